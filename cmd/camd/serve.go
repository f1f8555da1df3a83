package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"camd/internal/systemd"
	"camd/internal/timerslack"
	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/source"
)

// defaultConfig is read when it is there and no other file is named.
const defaultConfig = "/etc/camd/camd.yaml"

type serveFlags struct{ config, listen, anonymous, logLevel string }

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the cameras (the default)",
		Long: `Serve the cameras of the configuration file: -c FILE, else ` + defaultConfig + ` if it is there.
Without a file, serve a test pattern and every capture device of this machine.

SIGHUP reads the configuration again: what has not changed keeps its viewers and its cameras, and a file with mistakes
changes nothing. SIGTERM and Ctrl-C end every stream at a frame boundary, close the cameras and exit with 0.

Where other machines reach it, camd serves only if something says who may come in: auth in the configuration, with users,
tokens or "anonymous", or --anonymous.

A socket that systemd opened (camd.socket) is served instead of the address that is configured.

Exit codes: 0 ended by a signal, 1 could not start or go on, 2 the command line or the configuration is wrong.`,
		Example: `  camd                              # test pattern and cameras found, on 127.0.0.1:8080
  camd serve -c camd.yaml
  camd serve --listen 127.0.0.1:0   # takes a free port and prints it`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration `FILE` (default "+defaultConfig+" if it is there)")
	cmd.Flags().StringVar(&f.listen, "listen", "", "`ADDRESS` to serve on, host:port or unix:/path; overrides the configuration (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&f.anonymous, "anonymous", "", "let everybody in who reaches camd, as `ROLE` view, control, admin or metrics; overrides the configuration")
	completeRoles(cmd, "anonymous")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error; overrides the configuration (default info)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		exact := timerslack.Loosen(timerslack.Enough)
		asked := make(chan os.Signal, 1) // one that waits is as good as many
		signal.Notify(asked, syscall.SIGHUP)
		defer signal.Stop(asked)
		cfg, file, err := f.load()
		if err != nil {
			return configError(cmd, err)
		}
		logs, err := newLoggers(cfg.Log, cmd.ErrOrStderr())
		if err != nil {
			return misused(err)
		}
		defer logs.Sync()
		if exact != nil {
			logs.log.Debug("timers stay exact, which costs processor time", zap.Error(exact))
		}
		again := reloading{asked: asked, path: f.path(file), read: f.load, file: file, logs: logs, abandoned: leftBehind(cmd.ErrOrStderr())}
		return serve(cmd.Context(), cfg, again, func(addr net.Addr) {
			fmt.Fprintf(cmd.OutOrStdout(), "camd %s: dashboard at %s\n", version, dashboardURL(cfg, addr))
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

// serve runs the daemon until ctx ends. ready is called once with the address that it listens on.
func serve(ctx context.Context, cfg *config.Config, again reloading, ready func(net.Addr)) error {
	log, trail := again.logs.log, audit.New(again.logs.audit)
	trail.Show(audit.Addresses(cfg.Log.Addresses))
	worker, err := findWorker(cfg)
	if err != nil {
		return failed(err)
	}
	admit(cfg, log)
	keeper := newKeeper(log)
	if err := errors.Join(keeper.enrol(cfg), keeper.present(cfg)); err != nil {
		return failed(err)
	}
	doors := newDoors(cfg, log)
	doors.limit(cfg)
	gate := doors.gate(cfg)
	gate.Settle()
	set := stage{kept: recall(cfg, log), metrics: httpapi.NewMetrics(version, commit), log: log}
	fleet := source.NewFleet(set.cameras(cfg, worker))
	present := &crew{}
	present.change(cfg, fleet.Cameras())
	together, err := newCompany(cfg, fleet.Cameras(), gate, httpapi.Options{
		Metrics: set.metrics, Version: version, Log: log, Audit: trail, TLS: keeper.encryption(cfg), Remember: remember(set.kept, present.beginsPaused),
		MetricsAside: cfg.MetricsListen != "", Certificate: keeper.certificateState(cfg),
	})
	if err != nil {
		return failed(err)
	}
	server := together.server
	told := newAlerts(set.metrics, server, log)
	if err := told.prepare(cfg); err != nil {
		return failed(err)
	}
	told.change(cfg, fleet.Cameras())
	listener, err := listen(cfg, log)
	if err != nil {
		return failed(err)
	}
	if err := exposed(cfg, listener.Addr()); err != nil {
		_ = listener.Close()
		return misused(err)
	}
	side, err := sideDoors(cfg, listener, server, keeper, log)
	if err != nil {
		_ = listener.Close()
		return failed(err)
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	manager := systemd.New(log)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { fleet.Run(ctx); return nil })
	group.Go(func() error { told.Run(ctx); return nil })
	group.Go(func() error { doors.sessions.Run(ctx); return nil })
	group.Go(func() error { keeper.Run(ctx); return nil })
	leave, left := context.WithCancel(context.WithoutCancel(ctx)) // the bus goes last: who watches its cameras has to be told why they go
	defer left()
	group.Go(func() error { together.Run(ctx, leave); return nil })
	group.Go(func() error { defer left(); return server.Serve(ctx, listener, side...) })
	r := &reloader{
		reloading: again, stage: set, trail: trail, first: cfg, now: cfg, key: doors.key, fleet: fleet, server: server, together: together,
		keeper: keeper, told: told, doors: doors, open: entrances(cfg, listener, side), present: present, manager: manager,
	}
	group.Go(func() error { r.follow(ctx, stop); return nil })
	group.Go(func() error {
		<-ctx.Done()
		manager.Stopping()
		log.Info("stopping")
		return nil
	})
	log.Info("serving", zap.Stringer("address", listener.Addr()), zap.Bool("tls", cfg.TLS != nil), zap.Int("cameras", len(cfg.Cameras)), zap.String("version", version))
	trail.Note(audit.Started, audit.Person{}, zap.String("version", version), zap.Strings("cameras", ids(cfg)))
	ready(listener.Addr())
	manager.Ready()
	group.Go(func() error {
		manager.Report(ctx, together.condition)
		return nil
	})
	group.Go(func() error {
		at := asConfigured(listener.Addr())
		manager.Guard(ctx, healthURL(cfg, at), homeward(at, keeper.shown), server, present)
		return nil
	})
	err = group.Wait()
	trail.Note(audit.Stopped, audit.Person{}, zap.Error(err))
	if err != nil {
		return failed(err)
	}
	log.Info("stopped")
	return nil
}
