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

// loadedConfig is a configuration as it was read.
type loadedConfig struct {
	*config.Config
	path    string // of the file; empty for the built-in default
	text    []byte // of the file
	hasAuth bool   // the file has the section auth; the command line may let people in, too

	keptAt time.Time // if it is the last good configuration instead of the file: when it was kept
}

// load returns the configuration with the flags put over it. With an error come path and text as far as they are known.
func (f serveFlags) load() (loadedConfig, error) {
	path := cmp.Or(f.config, defaultConfigPath)
	text, err := config.Read(path)
	if f.config == "" && errors.Is(err, os.ErrNotExist) {
		cfg := config.Default()
		cfg.Cameras = defaultCameras()
		return f.applyTo(loadedConfig{Config: cfg})
	}
	l := loadedConfig{path: path, text: text}
	if err != nil {
		return l, err
	}
	if l.Config, err = config.Parse(path, text, os.LookupEnv); err != nil {
		return l, err
	}
	return f.applyTo(l)
}

// applyTo puts the flags over a configuration.
func (f serveFlags) applyTo(l loadedConfig) (loadedConfig, error) {
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
	if err := f.applyAnonymous(l.Config); err != nil {
		return l, err
	}
	return l, l.CheckExposure()
}

// applyAnonymous sets the anonymous permission, if the command line has one.
func (f serveFlags) applyAnonymous(cfg *config.Config) error {
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
	cfg.Auth.Anonymous = access.Permission{Role: role}
	return nil
}

// errNoConfig says that no file was named and the default one is not there; what holds without any comes with it.
var errNoConfig = errors.New("no configuration: " + defaultConfigPath + " is not there, and none is named with -c")

// loadConfig reads the named file, else the default one.
func loadConfig(path string) (*config.Config, error) {
	if path != "" {
		return config.Load(path)
	}
	cfg, err := config.Load(defaultConfigPath)
	if errors.Is(err, os.ErrNotExist) {
		return config.Default(), errNoConfig
	}
	return cfg, err
}

// printConfigError prints what is wrong with a configuration, a line for each mistake.
func printConfigError(cmd *cobra.Command, err error) error {
	var e *config.Error
	if !errors.As(err, &e) {
		return usageError(err)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), e)
	return usageError(errPrinted)
}
