package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/daemon"
	"camd/internal/doctor"
	"camd/internal/healthclient"
	"camd/internal/logging"
	"camd/internal/statedir"
	"camd/pkg/config"
)

func newDoctorCommand() *cobra.Command {
	var path string
	var asJSON, network bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "look for problems, and print how to fix them",
		Long: `Check everything that camd needs: the configuration, capture devices and the rights to them, USB bandwidth, camd-capture and its
OpenCV, the bus, the port, the certificates of camd and of cameras, access, the clock, limits, the kernel and the state directory.

Each result is one line: ok, warn for a possible problem, or FAIL for a problem. The line below a problem says what to do. The
command changes nothing and does not disturb cameras.

With --network, also open each network camera and report its pictures. A camera that allows few connections may refuse this one
while camd reads it.

The command checks the rights of the user who runs it. For another user, run "sudo -u USER camd doctor".

Exit codes: 0 no failure, 1 at least one FAIL, 2 the command line is wrong.`,
		Example: "  camd doctor\n  camd doctor --network\n  camd doctor -c camd.yaml --json | jq '.findings[] | select(.verdict != \"ok\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target := newDoctorTarget(cmd.Context(), path)
			target.Network = network
			all := doctor.Examine(cmd.Context(), target)
			if asJSON {
				if err := doctor.PrintJSON(cmd.OutOrStdout(), all); err != nil {
					return failure(err)
				}
			} else {
				doctor.Print(cmd.OutOrStdout(), all, logging.IsTerminal(cmd.OutOrStdout()))
			}
			if doctor.Failed(all) {
				return failure(errPrinted)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	cmd.Flags().BoolVar(&network, "network", false, "also open each network camera and report its pictures")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	return cmd
}

// newDoctorTarget returns the camd that would serve the configuration file at path.
func newDoctorTarget(ctx context.Context, path string) doctor.Target {
	p := doctor.Target{ConfigName: cmp.Or(path, configfile.DefaultPath)}
	cfg, err := configfile.Load(path)
	switch {
	case errors.Is(err, configfile.ErrNone):
		p.ConfigName, cfg.Cameras, err = "", configfile.DefaultCameras(), nil
	case err != nil:
		cfg = config.Default()
	default:
		if err = cfg.CheckExposure(); err == nil {
			err = checkServiceFiles(ctx, cfg, path)
		}
	}
	p.Config, p.ConfigErr = cfg, err
	p.StateDir, p.ServiceDir = statedir.Path(cfg.StateDir), statedir.OfService()
	if cfg.Bus != nil {
		o := daemon.BusOptions(cfg)
		o.Version = version
		p.Bus = &o
	}
	p.CheckHealth = func(ctx context.Context) error {
		own, err := newClient(cfg)
		if err != nil {
			return err
		}
		return healthclient.CheckHealth(ctx, own, healthclient.HealthURL(cfg.Scheme(), cfg.Listen))
	}
	return p
}
