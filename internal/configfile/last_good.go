package configfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"camd/internal/atomicfile"
	"camd/internal/statedir"
	"camd/pkg/config"
)

// lastGoodFile is the file in the state directory with the text of the last configuration file that camd served. Its first line, a
// comment, names the file, and relative paths are relative to that file's folder. The content of other files, such as passwords and
// users, is not saved. It is read from those files again.
const lastGoodFile = "last-good.yaml"

// lastGoodPrefix begins the first line. The path of the configuration file follows it, in quotes.
const lastGoodPrefix = "# The last good configuration of "

var byteOrderMark = []byte("\ufeff") // YAML allows it only at the beginning

// KeepLastGood saves the text of a configuration in the state directory. It does nothing without a state directory, without a file, or
// for a configuration that was read from there.
func KeepLastGood(stateDir string, l Loaded) error {
	if l.Path == "" || !l.KeptAt.IsZero() || stateDir == "" {
		return nil
	}
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return err
	}
	first := fmt.Sprintf("%s%q; camd serve --last-good serves it.\n", lastGoodPrefix, path)
	return atomicfile.Replace(filepath.Join(stateDir, lastGoodFile), append([]byte(first), bytes.TrimPrefix(l.Text, byteOrderMark)...))
}

// LastGood is a saved configuration.
type LastGood struct {
	File   string // that it is kept in
	Text   []byte
	KeptAt time.Time
}

// LastGoodError says that there is no last good configuration, or that it cannot be read.
type LastGoodError struct{ Err error }

func (e *LastGoodError) Error() string { return e.Err.Error() }

func (e *LastGoodError) Unwrap() error { return e.Err }

// FindLastGood returns the last good configuration of the file at path. It looks in state_dir of text, if that line can be read, and in
// the state directory that systemd makes.
func FindLastGood(path string, text []byte) (LastGood, error) {
	var tried []string
	for _, dir := range []string{config.FindStateDir(path, text), statedir.FromSystemd(), statedir.Service} {
		if dir == "" {
			continue
		}
		kept, configPath, err := readLastGood(filepath.Join(dir, lastGoodFile))
		switch {
		case err == nil && configPath == path:
			return kept, nil
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return LastGood{}, err
		}
		tried = append(tried, dir)
	}
	return LastGood{}, fmt.Errorf("found no last good configuration of %s in %s; if state_dir was another folder, set it: STATE_DIRECTORY=DIR camd serve --last-good",
		path, strings.Join(tried, " or "))
}

// readLastGood returns the saved configuration, and the path of the configuration file that it is a copy of.
func readLastGood(file string) (kept LastGood, configPath string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return LastGood{}, "", err
	}
	text, err := config.Read(file)
	if err != nil {
		return LastGood{}, "", err
	}
	rest, marked := bytes.CutPrefix(text, []byte(lastGoodPrefix))
	quoted, err := strconv.QuotedPrefix(string(rest))
	if err != nil || !marked {
		return LastGood{}, "", fmt.Errorf("%s is damaged: its first line does not name the configuration file", file)
	}
	configPath, err = strconv.Unquote(quoted)
	return LastGood{file, text, info.ModTime()}, configPath, err
}

// ReadInitial returns the configuration to start with.
func (o Options) ReadInitial() (Loaded, error) {
	if !o.LastGood {
		l, err := o.Read()
		if err == nil {
			err = checkAuthKeptSinceLastGood(l)
		}
		return l, err
	}
	path, err := filepath.Abs(cmp.Or(o.Path, DefaultPath))
	if err != nil {
		return Loaded{}, &LastGoodError{err}
	}
	text, _ := config.Read(path) // its mistakes are why the last good one is asked for
	kept, err := FindLastGood(path, text)
	if err != nil {
		return Loaded{}, &LastGoodError{err}
	}
	l := Loaded{Path: path, Text: text, KeptAt: kept.KeptAt}
	if l.Config, err = parseIn(filepath.Dir(path), kept.File, kept.Text, os.LookupEnv); err != nil {
		return l, err
	}
	return o.applyTo(l)
}
