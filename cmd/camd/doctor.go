package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"camd/internal/doctor"
	"camd/pkg/config"
	"camd/pkg/source"
)

func newDoctor() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "look for what keeps camd from working here, and say what mends it",
		Long: `Look at the configuration, capture devices and who may and does use them, USB bandwidth, camd-capture and its OpenCV,
the bus, the port, camd's certificate and those of cameras, who may come in, the clock, limits, the kernel and the state directory. A line for each: ok, warn for what may go
wrong, or FAIL for what does, with what to do about it. Nothing is changed, and no camera disturbed.

Rights are those of who runs it: "sudo -u USER camd doctor" for another user's.

Exit codes: 0 nothing fails, 1 something does, 2 the command line is wrong.`,
		Example: "  camd doctor\n  camd doctor -c camd.yaml --json | jq '.findings[] | select(.verdict != \"ok\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := doctor.Examine(cmd.Context(), patient(path))
			if asJSON {
				if err := doctor.PrintJSON(cmd.OutOrStdout(), all); err != nil {
					return failed(err)
				}
			} else {
				doctor.Print(cmd.OutOrStdout(), all, isTerminal(cmd.OutOrStdout()))
			}
			if doctor.Failed(all) {
				return failed(errSaid)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+defaultConfig+" if it is there)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// patient is the camd that would be served by the file.
func patient(path string) doctor.Patient {
	p := doctor.Patient{Name: cmp.Or(path, defaultConfig), Worker: source.FindWorker}
	cfg, err := loadConfig(path)
	switch {
	case errors.Is(err, errNoConfig):
		p.Name, cfg.Cameras, err = "", foundCameras(), nil
	case err != nil:
		cfg = config.Default()
	default:
		err = cfg.CheckExposure()
	}
	p.Config, p.ConfigErr = cfg, err
	p.StateDir = stateDir(cfg)
	if cfg.Bus != nil {
		p.Bus = func(ctx context.Context) doctor.Bus { return lookAtBus(ctx, cfg) }
	}
	p.Serves = func(ctx context.Context) error {
		client, err := acquainted(cfg)
		if err != nil {
			return err
		}
		return askHealth(ctx, client, healthURL(cfg, cfg.Listen))
	}
	return p
}
