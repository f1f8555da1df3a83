package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"camd/pkg/config"
)

// defaultConfigPath is read when it is there and no other file is named.
const defaultConfigPath = "/etc/camd/camd.yaml"

type serveFlags struct {
	config, listen, anonymous, logLevel string
	lastGood                            bool
}

func newServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the cameras (the default)",
		Long: `Serve the cameras of the configuration file: -c FILE, else ` + defaultConfigPath + ` if it is there.
Without a file, serve a test pattern and every capture device of this machine.

SIGHUP reads the configuration again: what has not changed keeps its viewers and its cameras, and a file with mistakes
changes nothing. camd keeps the last good configuration in its state directory: if the file has mistakes when camd starts,
--last-good serves that one until the file is mended and read again. SIGTERM and Ctrl-C end every stream at a frame boundary, close the cameras and exit with 0.

Where other machines reach it, camd serves only if something says who may come in: auth in the configuration, with users,
tokens or "anonymous", or --anonymous.

A socket that systemd opened (camd.socket) is served instead of the address that is configured.

Exit codes: 0 ended by a signal, 1 could not start or go on, 2 the command line or the configuration is wrong.`,
		Example: `  camd                              # test pattern and cameras found, on 127.0.0.1:8080
  camd serve -c camd.yaml
  camd serve -c camd.yaml --last-good
  camd serve --listen 127.0.0.1:0   # takes a free port and prints it`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration `FILE` (default "+defaultConfigPath+" if it is there)")
	cmd.Flags().StringVar(&f.listen, "listen", "", "`ADDRESS` to serve on, host:port or unix:/path; overrides the configuration (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&f.anonymous, "anonymous", "", "let everybody in who reaches camd, as `ROLE` view, control, admin or metrics; overrides the configuration")
	completeRoles(cmd, "anonymous")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error; overrides the configuration (default info)")
	cmd.Flags().BoolVar(&f.lastGood, "last-good", false, "serve the last good configuration, which camd keeps in its state directory, instead of the file")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		reloadSignals := make(chan os.Signal, 1) // one that waits is as good as many
		signal.Notify(reloadSignals, syscall.SIGHUP)
		defer signal.Stop(reloadSignals)
		initial, err := f.loadInitial()
		if err != nil {
			return f.refuseConfig(cmd, initial, err)
		}
		logs, err := newLoggers(initial.Log, cmd.ErrOrStderr())
		if err != nil {
			return usageError(err)
		}
		defer logs.Sync()
		limitMemory(logs.log)
		reload := reloadState{requests: reloadSignals, readConfig: f.load, active: initial, logs: logs, terminalGone: newHangupCheck(cmd.ErrOrStderr())}
		return serve(cmd.Context(), initial.Config, reload, func(addr net.Addr) {
			fmt.Fprintf(cmd.OutOrStdout(), "camd %s: dashboard at %s\n", version, dashboardURL(initial.Config, addr))
		})
	}
	return cmd
}

// dashboardURL is where to point a browser on this machine.
func dashboardURL(cfg *config.Config, addr net.Addr) string {
	if addr.Network() == "unix" {
		return fmt.Sprintf("unix:%s (curl --unix-socket %s %s://localhost/)", addr, addr, scheme(cfg))
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://%s/", scheme(cfg), addr)
	}
	return fmt.Sprintf("%s://127.0.0.1:%d/ and at every other address of this machine", scheme(cfg), tcp.Port)
}
