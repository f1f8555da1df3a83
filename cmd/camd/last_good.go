package main

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

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"camd/internal/whole"
	"camd/pkg/config"
)

// lastGoodName is the file in the state directory that keeps the text of the configuration file that camd served last. Its
// first line, a comment, names the file. Relative paths in it are relative to that file's folder. What other files held, such
// as passwords and users, is not kept: it is read where it is.
const lastGoodName = "last-good.yaml"

// lastGoodMark begins the first line; behind it is the configuration file's path in quotes.
const lastGoodMark = "# The last good configuration of "

var byteOrderMark = []byte("\ufeff") // YAML allows it at the beginning alone

// keepLastGood keeps the configuration in force, if it is from a file and there is a state directory.
func (d *daemon) keepLastGood() {
	l, dir := d.inForce, stateDir(d.first)
	if l.path == "" || !l.kept.IsZero() || dir == "" {
		return
	}
	path, err := filepath.Abs(l.path)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		first := fmt.Sprintf("%s%q; camd serve --last-good serves it.\n", lastGoodMark, path)
		err = whole.Replace(filepath.Join(dir, lastGoodName), append([]byte(first), bytes.TrimPrefix(l.text, byteOrderMark)...))
	}
	if err != nil {
		d.log.Warn("last good configuration not kept", zap.Error(err), zap.String("remedy", "camd serve --last-good has an older one or none: "+stateRemedy(err, dir)))
	}
}

// lastGood is a configuration that was kept.
type lastGood struct {
	file string // that it is kept in
	text []byte
	at   time.Time
}

// findLastGood returns what was kept of the configuration file at path. Its text says where, if it can be understood that far.
func findLastGood(path string, text []byte) (lastGood, error) {
	var tried []string
	for _, dir := range []string{config.FindStateDir(path, text), stateDirectory(), serviceState} {
		if dir == "" {
			continue
		}
		kept, of, err := readLastGood(filepath.Join(dir, lastGoodName))
		switch {
		case err == nil && of == path:
			return kept, nil
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return lastGood{}, err
		}
		tried = append(tried, dir)
	}
	return lastGood{}, fmt.Errorf("no last good configuration of %s is kept in %s; if state_dir was another folder, name it: STATE_DIRECTORY=DIR camd serve --last-good",
		path, strings.Join(tried, " or "))
}

// readLastGood returns what is kept in a file, and of which configuration file it was.
func readLastGood(file string) (kept lastGood, of string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return lastGood{}, "", err
	}
	text, err := config.Read(file)
	if err != nil {
		return lastGood{}, "", err
	}
	rest, marked := bytes.CutPrefix(text, []byte(lastGoodMark))
	quoted, err := strconv.QuotedPrefix(string(rest))
	if err != nil || !marked {
		return lastGood{}, "", fmt.Errorf("%s is damaged: its first line does not name the configuration file", file)
	}
	of, err = strconv.Unquote(quoted)
	return lastGood{file, text, info.ModTime()}, of, err
}

// start returns the configuration to start with.
func (f serveFlags) start() (loaded, error) {
	if !f.lastGood {
		l, err := f.load()
		if err == nil {
			err = keepsAuthOfLastGood(l)
		}
		return l, err
	}
	path, err := filepath.Abs(cmp.Or(f.config, defaultConfig))
	if err != nil {
		return loaded{}, failed(err)
	}
	text, _ := config.Read(path) // what is wrong with it is why the last good one is asked for
	kept, err := findLastGood(path, text)
	if err != nil {
		return loaded{}, failed(err)
	}
	l := loaded{path: path, text: text, kept: kept.at}
	if l.Config, err = config.ParseIn(filepath.Dir(path), kept.file, kept.text, os.LookupEnv); err != nil {
		return l, err
	}
	return f.over(l)
}

// keepsAuthOfLastGood refuses a start with a file that has lost its section auth since it was in force last, as a reload does.
// Nothing is known, and nothing refused, where no last good configuration of the file can be read.
func keepsAuthOfLastGood(l loaded) error {
	if l.path == "" || l.Auth != nil {
		return nil
	}
	path, err := filepath.Abs(l.path)
	if err != nil {
		return err
	}
	kept, err := findLastGood(path, l.text)
	if err != nil || !config.HasAuth(kept.text) {
		return nil
	}
	return fmt.Errorf(missingAuth, l.path, "the last good configuration had")
}

// refuse prints why a configuration cannot be served, and whether the last good one can. It returns the command's error.
func (f serveFlags) refuse(cmd *cobra.Command, l loaded, why error) error {
	if codeOf(why) != 0 {
		return why
	}
	refusal := configError(cmd, why)
	path, err := filepath.Abs(l.path)
	if err != nil || l.path == "" || f.lastGood {
		return refusal
	}
	kept, err := findLastGood(path, l.text)
	if err != nil {
		return refusal
	}
	if !errors.Is(refusal, errSaid) {
		fmt.Fprintf(cmd.ErrOrStderr(), "camd: %v\n", why)
	}
	again := "camd serve --last-good"
	if f.config != "" {
		again += " -c " + f.config
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "camd: the last good configuration of %s is kept in %s; to serve it until the file is mended: %s\n",
		kept.at.Format(time.RFC3339), kept.file, again)
	return misused(errSaid)
}

// announceLastGood says wherever somebody may look that the file is not in force.
func (d *daemon) announceLastGood() {
	l := d.inForce
	if l.kept.IsZero() {
		return
	}
	at := l.kept.Format(time.RFC3339)
	d.server.ServeLastGood(l.kept, fmt.Errorf("the last good configuration of %s is in force, because camd was started with --last-good; mend %s and reload", at, l.path))
	d.log.Warn("last good configuration in force", zap.String("kept", at), zap.String("file", l.path), zap.String("remedy", "mend the file and reload"))
}
