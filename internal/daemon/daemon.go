// Package daemon assembles a daemon from a configuration, and starts, reloads and stops it. The table in components.go lists its parts.
package daemon

import (
	"context"
	"net"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"camd/internal/certreload"
	"camd/internal/configfile"
	"camd/internal/listener"
	"camd/internal/logging"
	"camd/internal/systemd"
	"camd/internal/timerslack"
	"camd/pkg/audit"
	"camd/pkg/broker"
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/notify"
	"camd/pkg/source"
)

// Options are what a daemon is started with.
type Options struct {
	Version, Commit string

	Config       configfile.Loaded
	ReadConfig   func() (configfile.Loaded, error) // reads the configuration for a reload
	Reload       <-chan os.Signal                  // each value asks for a reload
	TerminalGone func() bool                       // reports whether the terminal that camd was started from has closed
	Loggers      *logging.Loggers
	Ready        func(net.Addr) // is called once, with the address that camd serves
}

// ExposureError says that other machines can reach the daemon and its configuration does not say who has access.
type ExposureError struct{ Err error }

func (e *ExposureError) Error() string { return e.Err.Error() }

func (e *ExposureError) Unwrap() error { return e.Err }

// daemon holds the components. Only one goroutine at a time may call its methods: first that of Run, then the one that reloads.
type daemon struct {
	cameraResources
	options     Options
	stop        context.CancelFunc // ends Run
	active      configfile.Loaded  // the configuration in force
	startConfig *config.Config     // the configuration that camd was started with

	metricsRegistry *prometheus.Registry // each package registers its own metrics in it

	auditLog       *audit.Log
	auth           *authState
	certs          *certreload.Reloader
	fleet          *source.Fleet
	localCameras   *localCameras
	fleetChange    source.FleetChange // of the last reload
	registry       *cameraRegistry
	server         *httpapi.Server
	notifiers      *notifierRunner
	service        *systemd.Service
	mainListener   net.Listener
	extraListeners []httpapi.ExtraListener
	servedAddrs    []net.Addr // where it listens, even if a reload has since configured other addresses
}

// Run runs a daemon until ctx ends.
func Run(ctx context.Context, o Options) error {
	if err := timerslack.SetAtLeast(timerslack.Recommended); err != nil {
		o.Loggers.Log.Debug("timer slack not set", zap.Error(err), zap.String("effect", "camd takes more processor time"))
	}
	limitGoHeap(o.Loggers.Log)
	d, err := newDaemon(o)
	if err != nil {
		return err
	}
	if err := d.listen(); err != nil {
		return err
	}
	ctx, d.stop = context.WithCancel(ctx)
	defer d.stop()
	err = runAll(ctx, d.components())
	d.auditLog.Record(audit.Stopped, audit.Actor{}, zap.Error(err))
	if err == nil {
		d.log.Info("stopped")
	}
	return err
}

// newDaemon makes the components of the configuration and starts none of them.
func newDaemon(o Options) (*daemon, error) {
	cfg, log := o.Config.Config, o.Loggers.Log
	d := &daemon{options: o, active: o.Config, startConfig: cfg, auditLog: audit.New(o.Loggers.Audit), service: systemd.New(log)}
	d.auditLog.SetAddresses(audit.Addresses(cfg.Log.AuditAddresses))
	worker, err := findWorker(cfg)
	if err != nil {
		return nil, err
	}
	warnFDLimit(cfg, log)
	if err := d.makeCertificateReloader(); err != nil {
		return nil, err
	}
	d.auth = newAuthState(cfg, log)
	d.auth.apply(cfg)
	d.auth.authenticator.EndStaleSessions()
	d.metricsRegistry = newMetricsRegistry(o.Version, o.Commit)
	if cfg.TLS != nil {
		d.certs.RegisterMetrics(d.metricsRegistry)
	}
	d.cameraResources = cameraResources{
		store: openStateStore(cfg, log), metrics: source.NewMetrics(d.metricsRegistry), budget: broker.NewBudget(ringBytes, nil), log: log,
	}
	d.fleet = source.NewFleet(d.cameraOptions(cfg, worker), d.metrics, log)
	d.localCameras = &localCameras{}
	d.localCameras.set(cfg, d.fleet.Cameras())
	if d.registry, err = newCameraRegistry(cfg, d.budget, d.fleet.Cameras(), d.auth.authenticator, d.serverOptions()); err != nil {
		return nil, err
	}
	d.server = d.registry.server
	d.notifiers = newNotifierRunner(notify.NewMetrics(d.metricsRegistry), d.server, o.Version, log)
	startAlerts, err := d.notifiers.prepare(cfg)
	if err != nil {
		return nil, err
	}
	startAlerts()
	d.notifiers.setCameras(cfg, d.fleet.Cameras())
	return d, nil
}

// serverOptions returns the options of the server that do not change.
func (d *daemon) serverOptions() httpapi.Options {
	cfg := d.startConfig
	o := httpapi.Options{
		Metrics: d.metricsRegistry, Version: d.options.Version, Log: d.log, Audit: d.auditLog,
		SavePaused: newPauseSaver(d.store, d.localCameras.isPausedInConfig), SeparateMetrics: cfg.MetricsListen != "",
	}
	if cfg.TLS != nil {
		o.TLS = d.certs.TLSConfig()
	}
	return o
}

// listen opens the addresses of the configuration.
func (d *daemon) listen() (err error) {
	cfg := d.startConfig
	if d.mainListener, err = listener.ListenOrInherit(cfg.Listen, cfg.SocketMode, d.log); err != nil {
		return err
	}
	if err := checkExposedAddrs(cfg, d.mainListener.Addr()); err != nil {
		_ = d.mainListener.Close()
		return &ExposureError{err}
	}
	if d.extraListeners, err = d.listenExtra(cfg, d.mainListener); err != nil {
		_ = d.mainListener.Close()
		return err
	}
	if cfg.TLS != nil {
		d.mainListener = d.redirect().AnswerPlain(d.mainListener)
	}
	d.servedAddrs = servedAddrs(cfg, d.mainListener, d.extraListeners)
	return nil
}

// serve answers requests until ctx ends, and closes the listeners.
func (d *daemon) serve(ctx context.Context) error {
	return d.server.Serve(ctx, d.mainListener, d.extraListeners...)
}
