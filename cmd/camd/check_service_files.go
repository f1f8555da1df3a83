package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"

	"camd/internal/configfile"
	"camd/internal/systemd"
	"camd/pkg/config"
)

// serviceUnit is the unit that serves configfile.DefaultPath.
const serviceUnit = "camd.service"

// checkServiceFiles returns an error if root checks the configuration of the service, and the service's user cannot read this file or
// one that it names. For root itself all of them are readable, so other checks do not find this.
func checkServiceFiles(ctx context.Context, cfg *config.Config, path string) error {
	path = cmp.Or(path, configfile.DefaultPath)
	if abs, err := filepath.Abs(path); err != nil || abs != configfile.DefaultPath || os.Geteuid() != 0 {
		return nil
	}
	account, found := systemd.ServiceAccount(ctx, serviceUnit)
	if !found {
		return nil
	}
	return checkAccountFiles(account, cfg, path)
}

// checkAccountFiles returns an error if an account cannot read a configuration file or one that it names.
func checkAccountFiles(account systemd.Account, cfg *config.Config, path string) error {
	if err := account.CheckRead(path); err != nil {
		return &config.Error{Problems: []config.Problem{{File: path, Line: 1, Column: 1, Message: err.Error()}}}
	}
	return cfg.CheckFiles(account.CheckRead)
}
