package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"camd/internal/timerslack"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/memory"
	"camd/pkg/source"
)

// defaultConfig is read when it is there and no other file is named.
const defaultConfig = "/etc/camd/camd.yaml"

type serveFlags struct{ config, listen, logLevel string }

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the cameras (the default)",
		Long: `Serve the cameras of the configuration file: -c FILE, else ` + defaultConfig + ` if it is there.
Without a file, serve a test pattern and every capture device of this machine.

SIGTERM and Ctrl-C end every stream at a frame boundary, close the cameras and exit with 0.

Exit codes: 0 ended by a signal, 1 could not start or go on, 2 the command line or the configuration is wrong.`,
		Example: `  camd                              # test pattern and cameras found, on 127.0.0.1:8080
  camd serve -c camd.yaml
  camd serve --listen 127.0.0.1:0   # takes a free port and prints it`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration `FILE` (default "+defaultConfig+" if it is there)")
	cmd.Flags().StringVar(&f.listen, "listen", "", "`ADDRESS` to serve on, host:port; overrides the configuration (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error; overrides the configuration (default info)")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		exact := timerslack.Loosen(timerslack.Enough)
		cfg, err := f.load()
		if err != nil {
			return configError(cmd, err)
		}
		log, err := newLogger(cfg.Log, cmd.ErrOrStderr())
		if err != nil {
			return misused(err)
		}
		defer func() { _ = log.Sync() }() // a terminal cannot be synced
		if exact != nil {
			log.Debug("timers stay exact, which costs processor time", zap.Error(exact))
		}
		return serve(cmd.Context(), cfg, log, func(addr net.Addr) {
			fmt.Fprintf(cmd.OutOrStdout(), "camd %s: dashboard at %s\n", version, dashboardURL(cfg, addr))
		})
	}
	return cmd
}

// dashboardURL is where to point a browser on this machine.
func dashboardURL(cfg *config.Config, addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://%s/", scheme(cfg), addr)
	}
	return fmt.Sprintf("%s://127.0.0.1:%d/ and at every other address of this machine", scheme(cfg), tcp.Port)
}

// load returns the configuration with the flags put over it.
func (f serveFlags) load() (*config.Config, error) {
	cfg, err := loadConfig(f.config)
	if errors.Is(err, errNoConfig) {
		cfg.Cameras, err = foundCameras(), nil
	}
	if err != nil {
		return nil, err
	}
	if f.listen != "" {
		if err := config.CheckListen(f.listen); err != nil {
			return nil, fmt.Errorf("--listen: %w", err)
		}
		cfg.Listen = f.listen
	}
	if f.logLevel != "" {
		cfg.Log.Level = f.logLevel
	}
	return cfg, nil
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
func serve(ctx context.Context, cfg *config.Config, log *zap.Logger, ready func(net.Addr)) error {
	worker, err := findWorker(cfg)
	if err != nil {
		return failed(err)
	}
	encryption, err := encryption(cfg, log)
	if err != nil {
		return failed(err)
	}
	metrics := httpapi.NewMetrics(version, commit)
	kept := recall(cfg, log)
	cameras, order, served := buildCameras(cfg, kept, worker, metrics, log)
	server := httpapi.New(httpapi.Options{
		Cameras: served, Order: order, Metrics: metrics, Version: version, Log: log, TLS: encryption,
		WriteTimeout: cfg.WriteTimeout, Unsent: int(cfg.Unsent), AllowOrigin: cfg.AllowOrigin, Remember: remember(kept, cfg.Cameras),
		Limits: httpapi.Limits{
			Viewers: cfg.Limits.Viewers, PerCamera: cfg.Limits.ViewersPerCamera, PerAddress: cfg.Limits.ViewersPerAddress,
			BytesOverall: cfg.Limits.BytesPerSecond, BytesOfViewer: cfg.Limits.ViewerBytesPerSecond,
		},
	})
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return failed(listenError(cfg.Listen, err))
	}

	group, ctx := errgroup.WithContext(ctx)
	for _, c := range cameras {
		group.Go(func() error { c.Run(ctx); return nil })
	}
	group.Go(func() error { return server.Serve(ctx, listener) })
	group.Go(func() error {
		<-ctx.Done()
		notify(log, daemon.SdNotifyStopping)
		log.Info("stopping")
		return nil
	})
	log.Info("serving", zap.Stringer("address", listener.Addr()), zap.Bool("tls", cfg.TLS != nil), zap.Int("cameras", len(cameras)), zap.String("version", version))
	ready(listener.Addr())
	notify(log, daemon.SdNotifyReady)
	if err := group.Wait(); err != nil {
		return failed(err)
	}
	log.Info("stopped")
	return nil
}

func findWorker(cfg *config.Config) (string, error) {
	if len(cfg.Cameras) == 0 {
		return "", nil
	}
	return source.FindWorker()
}

var _ interface {
	httpapi.Adjustable
	httpapi.Pausable
	httpapi.Chronicler
} = (*source.Camera)(nil)

// buildCameras makes the cameras of the configuration.
func buildCameras(cfg *config.Config, kept *memory.Memory, worker string, metrics *httpapi.Metrics, log *zap.Logger) (
	cameras []*source.Camera, order []string, served map[string]httpapi.Camera) {
	served = make(map[string]httpapi.Camera)
	for _, c := range cfg.Cameras {
		cam := source.New(source.Options{
			ID: c.ID, Title: c.Title, Source: c.Source, Worker: worker,
			Size: c.Size, FPS: c.FPS, Format: c.Format, Quality: c.Quality, Transport: c.Transport,
			Once: !c.Loop, OnDemand: c.OnDemand, Paused: beginsPaused(c, kept), Stall: c.StallTimeout, Open: c.OpenTimeout,
			Frozen: c.Frozen, Recycle: c.Recycle, Memory: cfg.Limits.WorkerMemory, Controls: c.Controls,
			Renditions: c.Renditions, Observer: metrics.Camera(c.ID, renditionNames(c)), Log: log,
		})
		cameras = append(cameras, cam)
		order = append(order, c.ID)
		served[c.ID] = cam
	}
	return cameras, order, served
}

func renditionNames(c config.Camera) []string {
	names := []string{camera.Main}
	for _, r := range c.Renditions {
		names = append(names, r.Name)
	}
	return names
}

// notify tells systemd, if it is there.
func notify(log *zap.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd notify", zap.Error(err))
	}
}

// listenError says what to do about an address that cannot be had.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: another program has this port; `ss -ltnp` shows which. Stop it, or choose another with --listen", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: ports below 1024 need the right CAP_NET_BIND_SERVICE; choose a higher one with --listen", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine has no such address; `ip addr` shows those that it has", addr)
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}
