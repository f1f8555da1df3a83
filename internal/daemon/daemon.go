// Package daemon assembles a daemon from a configuration, and starts, reloads and stops it.
package daemon

import (
	"context"
	"errors"
	"net"
	"os"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"camd/internal/client"
	"camd/internal/configfile"
	"camd/internal/listener"
	"camd/internal/logging"
	"camd/internal/systemd"
	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/source"
)

// daemon is all that runs, by the configuration that is in force. Its methods belong to one goroutine.
type daemon struct {
	cameraResources
	options     Options
	active      configfile.Loaded // changed by handleReloads alone
	auditLog    *audit.Log
	startConfig *config.Config // what camd was started with
	linkKey     access.LinkKey // for links, of the configuration in force
	fleet       *source.Fleet
	server      *httpapi.Server
	registry    *cameraRegistry
	certs       *certReloader
	alerts      *alertRunner
	auth        *authState
	servedAddrs []net.Addr // where it listens, whatever the configuration says by now

	localCameras *cameraSet
	service      *systemd.Service
}

// Options are what a daemon is started with.
type Options struct {
	Version, Commit string

	Config       configfile.Loaded
	ReadConfig   func() (configfile.Loaded, error) // reads the configuration again, for a reload
	Reload       <-chan os.Signal                  // asks for a reload
	TerminalGone func() bool                       // the terminal that camd was started from is gone
	Loggers      *logging.Loggers
	Ready        func(net.Addr) // is called once, with the address that camd serves
}

// ExposureError says that other machines reach the daemon, and that its configuration does not say who has access.
type ExposureError struct{ Err error }

func (e *ExposureError) Error() string { return e.Err.Error() }

func (e *ExposureError) Unwrap() error { return e.Err }

// Run runs a daemon until ctx ends.
func Run(ctx context.Context, o Options) error {
	limitMemory(o.Loggers.Log)
	cfg := o.Config.Config
	d, err := newDaemon(cfg, o)
	if err != nil {
		return err
	}
	main, extra, err := d.listen(cfg)
	if err != nil {
		return err
	}
	err = d.run(ctx, cfg, main, extra)
	d.auditLog.Record(audit.Stopped, audit.Actor{}, zap.Error(err))
	if err != nil {
		return err
	}
	d.log.Info("stopped")
	return nil
}

// newDaemon makes all that a configuration needs, and starts nothing of it.
func newDaemon(cfg *config.Config, o Options) (*daemon, error) {
	log, auditLog := o.Loggers.Log, audit.New(o.Loggers.Audit)
	auditLog.SetAddresses(audit.Addresses(cfg.Log.Addresses))
	worker, err := findWorker(cfg)
	if err != nil {
		return nil, err
	}
	warnFDLimit(cfg, log)
	certs := newCertReloader(log)
	if err := errors.Join(certs.registerACME(cfg), certs.load(cfg)); err != nil {
		return nil, err
	}
	auth := newAuthState(cfg, log)
	auth.applySessionLimits(cfg)
	authenticator := auth.newAuthenticator(cfg)
	authenticator.EndStaleSessions()
	resources := cameraResources{store: openStateStore(cfg, log), metrics: httpapi.NewMetrics(o.Version, o.Commit), budget: broker.NewBudget(ringBytes, nil), log: log}
	fleet := source.NewFleet(resources.cameraOptions(cfg, worker))
	localCameras := &cameraSet{}
	localCameras.set(cfg, fleet.Cameras())
	registry, err := newCameraRegistry(cfg, resources.budget, fleet.Cameras(), authenticator, httpapi.Options{
		Metrics: resources.metrics, Version: o.Version, Log: log, Audit: auditLog, TLS: certs.tlsConfig(cfg), SavePaused: newPauseSaver(resources.store, localCameras.isPausedInConfig),
		SeparateMetrics: cfg.MetricsListen != "", Certificate: certs.stateFunc(cfg),
	})
	if err != nil {
		return nil, err
	}
	alerts := newAlertRunner(resources.metrics, registry.server, o.Version, log)
	if err := alerts.prepare(cfg); err != nil {
		return nil, err
	}
	alerts.setCameras(cfg, fleet.Cameras())
	return &daemon{
		options: o, active: o.Config, cameraResources: resources, auditLog: auditLog, startConfig: cfg, linkKey: auth.linkKey, fleet: fleet, server: registry.server, registry: registry,
		certs: certs, alerts: alerts, auth: auth, localCameras: localCameras, service: systemd.New(log),
	}, nil
}

// listen opens the addresses of a configuration.
func (d *daemon) listen(cfg *config.Config) (main net.Listener, extra []httpapi.ExtraListener, err error) {
	if main, err = listener.ListenOrInherit(cfg.Listen, cfg.SocketMode, d.log); err != nil {
		return nil, nil, err
	}
	if err := checkExposedAddrs(cfg, main.Addr()); err != nil {
		_ = main.Close()
		return nil, nil, &ExposureError{err}
	}
	if extra, err = listenExtra(cfg, main, d.server, d.certs, d.log); err != nil {
		_ = main.Close()
		return nil, nil, err
	}
	d.servedAddrs = servedAddrs(cfg, main, extra)
	return main, extra, nil
}

// run starts everything, and returns when all of it has ended. It closes the listeners.
func (d *daemon) run(ctx context.Context, cfg *config.Config, main net.Listener, extra []httpapi.ExtraListener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { d.fleet.Run(ctx); return nil })
	group.Go(func() error { d.alerts.Run(ctx); return nil })
	group.Go(func() error { d.auth.sessions.Run(ctx); return nil })
	group.Go(func() error { d.certs.Run(ctx); return nil })
	busCtx, stopBus := context.WithCancel(context.WithoutCancel(ctx)) // the bus ends last: its viewers get the reason first
	defer stopBus()
	group.Go(func() error { d.registry.Run(ctx, busCtx); return nil })
	group.Go(func() error { defer stopBus(); return d.server.Serve(ctx, main, extra...) })
	group.Go(func() error { d.handleReloads(ctx, stop); return nil })
	group.Go(func() error {
		<-ctx.Done()
		d.service.Stopping()
		d.log.Info("stopping")
		return nil
	})
	d.log.Info("serving", zap.Stringer("address", main.Addr()), zap.Bool("tls", cfg.TLS != nil), zap.Int("cameras", len(cfg.Cameras)), zap.String("version", d.options.Version))
	d.auditLog.Record(audit.Started, audit.Actor{}, zap.String("version", d.options.Version), zap.Strings("cameras", ids(cfg)))
	d.options.Ready(main.Addr())
	d.service.Ready()
	group.Go(func() error { d.service.Report(ctx, d.registry.statusLine); return nil })
	group.Go(func() error {
		address := listener.ConfigAddress(main.Addr())
		d.service.RunWatchdog(ctx, client.HealthURL(cfg.Scheme(), address), client.SelfTransport(address, d.certs.store), d.server, d.localCameras)
		return nil
	})
	return group.Wait()
}
