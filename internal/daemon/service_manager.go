package daemon

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"camd/internal/healthclient"
	"camd/internal/listener"
	"camd/pkg/audit"
)

// reportToService reports to the log, the service manager and Options.Ready that camd serves. It keeps the service manager informed until
// ctx ends, and then reports that camd stops.
func (d *daemon) reportToService(ctx context.Context) {
	cfg, addr := d.startConfig, d.mainListener.Addr()
	d.log.Info("serving", zap.Stringer("address", addr), zap.Bool("tls", cfg.TLS != nil), zap.String("config", d.options.Config.Path), zap.Int("cameras", len(cfg.Cameras)), zap.String("version", d.options.Version))
	d.auditLog.Record(audit.Started, audit.Actor{}, zap.String("version", d.options.Version), zap.Strings("cameras", cfg.CameraIDs()))
	d.options.Ready(addr)
	d.service.Ready()
	var reporting sync.WaitGroup
	defer reporting.Wait()
	reporting.Go(func() { d.service.Report(ctx, d.registry.statusLine) })
	reporting.Go(func() {
		address := listener.ConfigAddress(addr)
		d.service.RunWatchdog(ctx, healthclient.HealthURL(cfg.Scheme(), address), healthclient.SelfTransport(address, d.certs.Certificate), d.server, d.localCameras)
	})
	<-ctx.Done()
	d.service.Stopping()
	d.log.Info("stopping")
}
