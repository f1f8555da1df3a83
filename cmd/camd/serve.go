package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/daemon"
	"camd/internal/logging"
	"camd/pkg/config"
)

func newServeCommand() *cobra.Command {
	var o configfile.Options
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the cameras (the default)",
		Long: `Serve the cameras of the configuration file: -c FILE, or ` + configfile.DefaultPath + ` if it exists.
Without a file, serve a test pattern and every capture device of this machine.

On SIGHUP, camd reads the configuration again. Cameras and viewers that the change does not concern are not interrupted.
If the file has mistakes, nothing changes. On SIGTERM and Ctrl-C, camd ends every stream after a whole frame, closes the
cameras and exits with 0.

camd keeps the last good configuration in its state directory. If the file has mistakes when camd starts, --last-good serves
that configuration until you correct the file and reload.

If other machines can reach its address, camd starts only if access is configured: in the section auth of the configuration,
or with --anonymous.

If systemd has opened a socket (camd.socket), camd serves that socket instead of the configured address.

Exit codes: 0 stopped by a signal, 1 camd cannot start or continue, 2 the command line or the configuration is wrong.`,
		Example: `  camd                              # test pattern and this machine's cameras, on 127.0.0.1:8080
  camd serve -c camd.yaml
  camd serve -c camd.yaml --last-good
  camd serve --listen 127.0.0.1:0   # takes a free port and prints it`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&o.Path, "config", "c", "", "configuration `FILE` (default "+configfile.DefaultPath+" if it exists)")
	cmd.Flags().StringVar(&o.Listen, "listen", "", "`ADDRESS` to serve on, host:port or unix:/path; overrides the configuration (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&o.Anonymous, "anonymous", "", "`ROLE` of everyone who can reach camd, without a login: view, control, admin or metrics; overrides the configuration")
	completeRoles(cmd, "anonymous")
	cmd.Flags().StringVar(&o.LogLevel, "log-level", "", "`LEVEL` of the log: debug, info, warn or error; overrides the configuration (default info)")
	cmd.Flags().BoolVar(&o.LastGood, "last-good", false, "serve the last good configuration from the state directory instead of the file")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		reloadSignals := make(chan os.Signal, 1) // one pending reload is enough
		signal.Notify(reloadSignals, syscall.SIGHUP)
		defer signal.Stop(reloadSignals)
		initial, err := o.ReadInitial()
		if err != nil {
			return refuseConfig(cmd, o, initial, err)
		}
		logs, err := logging.New(logging.Options{Level: initial.Log.Level, Format: initial.Log.Format, Audit: initial.Log.Audit}, cmd.ErrOrStderr())
		if err != nil {
			return usageError(err)
		}
		defer logs.Sync()
		err = daemon.Run(cmd.Context(), daemon.Options{
			Version: version, Commit: commit, Config: initial, ReadConfig: o.Read, Reload: reloadSignals, Loggers: logs,
			TerminalGone: newHangupCheck(cmd.ErrOrStderr()),
			Ready: func(addr net.Addr) {
				fmt.Fprintf(cmd.OutOrStdout(), "camd %s: dashboard at %s\n", version, dashboardURL(initial.Config, addr))
			},
		})
		if exposed, ok := errors.AsType[*daemon.ExposureError](err); ok {
			return usageError(exposed)
		}
		if err != nil {
			return failure(err)
		}
		return nil
	}
	return cmd
}

// refuseConfig prints why a configuration cannot be served, and whether a last good one is available. It returns the command's error.
func refuseConfig(cmd *cobra.Command, o configfile.Options, l configfile.Loaded, cause error) error {
	if _, missing := errors.AsType[*configfile.LastGoodError](cause); missing {
		return failure(cause)
	}
	refusal := printConfigError(cmd, cause)
	path, err := filepath.Abs(l.Path)
	if err != nil || l.Path == "" || o.LastGood {
		return refusal
	}
	kept, err := configfile.FindLastGood(path, l.Text)
	if err != nil {
		return refusal
	}
	if !errors.Is(refusal, errPrinted) {
		fmt.Fprintf(cmd.ErrOrStderr(), "camd: %v\n", cause)
	}
	command := "camd serve --last-good"
	if o.Path != "" {
		command += " -c " + o.Path
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "camd: %[2]s has the last good configuration, of %[1]s; to serve it until you have corrected the file, run: %[3]s\n",
		kept.KeptAt.Format(time.RFC3339), kept.File, command)
	return usageError(errPrinted)
}

// dashboardURL returns the URL of the dashboard for a browser on this machine.
func dashboardURL(cfg *config.Config, addr net.Addr) string {
	if addr.Network() == "unix" {
		return fmt.Sprintf("unix:%s (curl --unix-socket %s %s://localhost/)", addr, addr, cfg.Scheme())
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://%s/", cfg.Scheme(), addr)
	}
	return fmt.Sprintf("%s://127.0.0.1:%d/ and every other address of this machine", cfg.Scheme(), tcp.Port)
}

// newHangupCheck returns a function that reports whether out was a terminal and has since hung up.
func newHangupCheck(out io.Writer) func() bool {
	terminal := logging.IsTerminal(out)
	return func() bool { return terminal && !logging.IsTerminal(out) }
}
