package main

import (
	"context"
	"errors"
	"net"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"camd/internal/systemd"
	"camd/pkg/access"
	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/certificate"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/notify"
	"camd/pkg/source"
)

// daemon is all that runs, by the configuration that is in force. Its methods belong to one goroutine.
type daemon struct {
	reloadState
	cameraResources
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

// serve runs a daemon until ctx ends. ready is called once with the address that it listens on.
func serve(ctx context.Context, cfg *config.Config, reload reloadState, ready func(net.Addr)) error {
	d, err := newDaemon(cfg, reload)
	if err != nil {
		return failure(err)
	}
	listener, extra, err := d.listen(cfg)
	if err != nil {
		return err
	}
	err = d.run(ctx, cfg, listener, extra, ready)
	d.auditLog.Record(audit.Stopped, audit.Actor{}, zap.Error(err))
	if err != nil {
		return failure(err)
	}
	d.log.Info("stopped")
	return nil
}

// newDaemon makes all that a configuration needs, and starts nothing of it.
func newDaemon(cfg *config.Config, reload reloadState) (*daemon, error) {
	log, auditLog := reload.logs.log, audit.New(reload.logs.audit)
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
	metrics := newMetricsRegistry()
	if cfg.TLS != nil {
		certificate.RegisterMetrics(metrics, certs.State)
	}
	resources := cameraResources{store: openStateStore(cfg, log), metrics: source.NewMetrics(metrics), budget: broker.NewBudget(ringBytes, nil), log: log}
	fleet := source.NewFleet(resources.cameraOptions(cfg, worker), resources.metrics)
	localCameras := &cameraSet{}
	localCameras.set(cfg, fleet.Cameras())
	registry, err := newCameraRegistry(cfg, resources.budget, fleet.Cameras(), authenticator, httpapi.Options{
		Metrics: metrics, Version: version, Log: log, Audit: auditLog, TLS: certs.tlsConfig(cfg), SavePaused: newPauseSaver(resources.store, localCameras.isPausedInConfig),
		SeparateMetrics: cfg.MetricsListen != "",
	})
	if err != nil {
		return nil, err
	}
	alerts := newAlertRunner(notify.NewMetrics(metrics), registry.server, log)
	if err := alerts.prepare(cfg); err != nil {
		return nil, err
	}
	alerts.setCameras(cfg, fleet.Cameras())
	return &daemon{
		reloadState: reload, cameraResources: resources, auditLog: auditLog, startConfig: cfg, linkKey: auth.linkKey, fleet: fleet, server: registry.server, registry: registry,
		certs: certs, alerts: alerts, auth: auth, localCameras: localCameras, service: systemd.New(log),
	}, nil
}

// listen opens the addresses of a configuration.
func (d *daemon) listen(cfg *config.Config) (listener net.Listener, extra []httpapi.ExtraListener, err error) {
	if listener, err = listen(cfg, d.log); err != nil {
		return nil, nil, failure(err)
	}
	if err := checkExposedAddrs(cfg, listener.Addr()); err != nil {
		_ = listener.Close()
		return nil, nil, usageError(err)
	}
	if extra, err = listenExtra(cfg, listener, d.server, d.certs, d.log); err != nil {
		_ = listener.Close()
		return nil, nil, failure(err)
	}
	d.servedAddrs = servedAddrs(cfg, listener, extra)
	return listener, extra, nil
}

// run starts everything, and returns when all of it has ended. It closes the listeners.
func (d *daemon) run(ctx context.Context, cfg *config.Config, listener net.Listener, extra []httpapi.ExtraListener, ready func(net.Addr)) error {
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
	group.Go(func() error { defer stopBus(); return d.server.Serve(ctx, listener, extra...) })
	group.Go(func() error { d.handleReloads(ctx, stop); return nil })
	group.Go(func() error {
		<-ctx.Done()
		d.service.Stopping()
		d.log.Info("stopping")
		return nil
	})
	d.log.Info("serving", zap.Stringer("address", listener.Addr()), zap.Bool("tls", cfg.TLS != nil), zap.Int("cameras", len(cfg.Cameras)), zap.String("version", version))
	d.auditLog.Record(audit.Started, audit.Actor{}, zap.String("version", version), zap.Strings("cameras", ids(cfg)))
	ready(listener.Addr())
	d.service.Ready()
	group.Go(func() error { d.service.Report(ctx, d.registry.statusLine); return nil })
	group.Go(func() error {
		address := configAddress(listener.Addr())
		d.service.RunWatchdog(ctx, healthURL(cfg, address), selfTransport(address, d.certs.store), d.server, d.localCameras)
		return nil
	})
	return group.Wait()
}
