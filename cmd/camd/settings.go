package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"camd/pkg/access"
	"camd/pkg/config"
)

// loaded is a configuration as it was read.
type loaded struct {
	*config.Config
	path    string // of the file; empty for the built-in default
	text    []byte // of the file
	hasAuth bool   // the file has the section auth; the command line may let people in, too

	kept time.Time // if it is the last good configuration instead of the file: when it was kept
}

// load returns the configuration with the flags put over it. With an error come path and text as far as they are known.
func (f serveFlags) load() (loaded, error) {
	path := cmp.Or(f.config, defaultConfig)
	text, err := config.Read(path)
	if f.config == "" && errors.Is(err, os.ErrNotExist) {
		cfg := config.Default()
		cfg.Cameras = foundCameras()
		return f.over(loaded{Config: cfg})
	}
	l := loaded{path: path, text: text}
	if err != nil {
		return l, err
	}
	if l.Config, err = config.Parse(path, text, os.LookupEnv); err != nil {
		return l, err
	}
	return f.over(l)
}

// over puts the flags over a configuration.
func (f serveFlags) over(l loaded) (loaded, error) {
	l.hasAuth = l.Auth != nil
	if f.listen != "" {
		if err := config.CheckListen(f.listen); err != nil {
			return l, fmt.Errorf("--listen: %w", err)
		}
		l.Listen = f.listen
	}
	if f.logLevel != "" {
		l.Log.Level = f.logLevel
	}
	if err := f.admit(l.Config); err != nil {
		return l, err
	}
	return l, l.CheckExposure()
}

// admit lets everybody in, if the command line says so.
func (f serveFlags) admit(cfg *config.Config) error {
	if f.anonymous == "" {
		return nil
	}
	role, err := access.ParseRole(f.anonymous)
	if err != nil {
		return fmt.Errorf("--anonymous: %w", err)
	}
	if cfg.Auth == nil {
		cfg.Auth = config.DefaultAuth()
	}
	cfg.Auth.Anonymous = access.Allowance{Role: role}
	return nil
}

// errNoConfig says that no file was named and the default one is not there; what holds without any comes with it.
var errNoConfig = errors.New("no configuration: " + defaultConfig + " is not there, and none is named with -c")

// loadConfig reads the named file, else the default one.
func loadConfig(path string) (*config.Config, error) {
	if path != "" {
		return config.Load(path)
	}
	cfg, err := config.Load(defaultConfig)
	if errors.Is(err, os.ErrNotExist) {
		return config.Default(), errNoConfig
	}
	return cfg, err
}

// configError prints what is wrong with a configuration, a line for each mistake.
func configError(cmd *cobra.Command, err error) error {
	var e *config.Error
	if !errors.As(err, &e) {
		return misused(err)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), e)
	return misused(errSaid)
}
