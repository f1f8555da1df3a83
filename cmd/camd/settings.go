package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"camd/pkg/access"
	"camd/pkg/config"
)

// path is that of the configuration file, empty if there is none.
func (f serveFlags) path(file bool) string {
	if !file {
		return ""
	}
	return cmp.Or(f.config, defaultConfig)
}

// load returns the configuration with the flags put over it, and whether it is from a file.
func (f serveFlags) load() (cfg *config.Config, file bool, err error) {
	cfg, err = loadConfig(f.config)
	file = err == nil
	if errors.Is(err, errNoConfig) {
		cfg.Cameras, err = foundCameras(), nil
	}
	if err != nil {
		return nil, false, err
	}
	if f.listen != "" {
		if err := config.CheckListen(f.listen); err != nil {
			return nil, false, fmt.Errorf("--listen: %w", err)
		}
		cfg.Listen = f.listen
	}
	if f.logLevel != "" {
		cfg.Log.Level = f.logLevel
	}
	if err := f.admit(cfg); err != nil {
		return nil, false, err
	}
	return cfg, file, cfg.CheckExposure()
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
