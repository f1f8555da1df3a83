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

	"camd/internal/atomicfile"
	"camd/pkg/config"
)

// lastGoodFile is the file in the state directory that keeps the text of the configuration file that camd served last. Its
// first line, a comment, names the file. Relative paths in it are relative to that file's folder. What other files held, such
// as passwords and users, is not kept: it is read where it is.
const lastGoodFile = "last-good.yaml"

// lastGoodPrefix begins the first line; behind it is the configuration file's path in quotes.
const lastGoodPrefix = "# The last good configuration of "

var byteOrderMark = []byte("\ufeff") // YAML allows it at the beginning alone

// keepLastGood keeps the configuration in force, if it is from a file and there is a state directory.
func (d *daemon) keepLastGood() {
	l, dir := d.active, stateDir(d.startConfig)
	if l.path == "" || !l.keptAt.IsZero() || dir == "" {
		return
	}
	path, err := filepath.Abs(l.path)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		first := fmt.Sprintf("%s%q; camd serve --last-good serves it.\n", lastGoodPrefix, path)
		err = atomicfile.Replace(filepath.Join(dir, lastGoodFile), append([]byte(first), bytes.TrimPrefix(l.text, byteOrderMark)...))
	}
	if err != nil {
		d.log.Warn("last good configuration not kept", zap.Error(err), zap.String("remedy", "camd serve --last-good has an older one or none: "+stateRemedy(err, dir)))
	}
}

// lastGood is a configuration that was kept.
type lastGood struct {
	file   string // that it is kept in
	text   []byte
	keptAt time.Time
}

// findLastGood returns what was kept of the configuration file at path. Its text says where, if it can be understood that far.
func findLastGood(path string, text []byte) (lastGood, error) {
	var tried []string
	for _, dir := range []string{config.FindStateDir(path, text), systemdStateDir(), serviceStateDir} {
		if dir == "" {
			continue
		}
		kept, configPath, err := readLastGood(filepath.Join(dir, lastGoodFile))
		switch {
		case err == nil && configPath == path:
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
func readLastGood(file string) (kept lastGood, configPath string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return lastGood{}, "", err
	}
	text, err := config.Read(file)
	if err != nil {
		return lastGood{}, "", err
	}
	rest, marked := bytes.CutPrefix(text, []byte(lastGoodPrefix))
	quoted, err := strconv.QuotedPrefix(string(rest))
	if err != nil || !marked {
		return lastGood{}, "", fmt.Errorf("%s is damaged: its first line does not name the configuration file", file)
	}
	configPath, err = strconv.Unquote(quoted)
	return lastGood{file, text, info.ModTime()}, configPath, err
}

// loadInitial returns the configuration to start with.
func (f serveFlags) loadInitial() (loadedConfig, error) {
	if !f.lastGood {
		l, err := f.load()
		if err == nil {
			err = checkAuthKeptSinceLastGood(l)
		}
		return l, err
	}
	path, err := filepath.Abs(cmp.Or(f.config, defaultConfigPath))
	if err != nil {
		return loadedConfig{}, failure(err)
	}
	text, _ := config.Read(path) // what is wrong with it is why the last good one is asked for
	kept, err := findLastGood(path, text)
	if err != nil {
		return loadedConfig{}, failure(err)
	}
	l := loadedConfig{path: path, text: text, keptAt: kept.keptAt}
	if l.Config, err = config.ParseIn(filepath.Dir(path), kept.file, kept.text, os.LookupEnv); err != nil {
		return l, err
	}
	return f.applyTo(l)
}

// checkAuthKeptSinceLastGood refuses a start with a file that has lost its section auth since it was in force last, as a reload does.
// Nothing is known, and nothing refused, where no last good configuration of the file can be read.
func checkAuthKeptSinceLastGood(l loadedConfig) error {
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
	return fmt.Errorf(missingAuthFormat, l.path, "the last good configuration had")
}

// refuseConfig prints why a configuration cannot be served, and whether the last good one can. It returns the command's error.
func (f serveFlags) refuseConfig(cmd *cobra.Command, l loadedConfig, cause error) error {
	if exitCode(cause) != 0 {
		return cause
	}
	refusal := printConfigError(cmd, cause)
	path, err := filepath.Abs(l.path)
	if err != nil || l.path == "" || f.lastGood {
		return refusal
	}
	kept, err := findLastGood(path, l.text)
	if err != nil {
		return refusal
	}
	if !errors.Is(refusal, errPrinted) {
		fmt.Fprintf(cmd.ErrOrStderr(), "camd: %v\n", cause)
	}
	command := "camd serve --last-good"
	if f.config != "" {
		command += " -c " + f.config
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "camd: the last good configuration of %s is kept in %s; to serve it until the file is mended: %s\n",
		kept.keptAt.Format(time.RFC3339), kept.file, command)
	return usageError(errPrinted)
}

// reportLastGood says wherever somebody may look that the file is not in force.
func (d *daemon) reportLastGood() {
	l := d.active
	if l.keptAt.IsZero() {
		return
	}
	at := l.keptAt.Format(time.RFC3339)
	d.server.SetLastGood(l.keptAt, fmt.Errorf("the last good configuration of %s is in force, because camd was started with --last-good; mend %s and reload", at, l.path))
	d.log.Warn("last good configuration in force", zap.String("kept", at), zap.String("file", l.path), zap.String("remedy", "mend the file and reload"))
}
