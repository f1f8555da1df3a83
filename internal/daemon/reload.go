package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/internal/configfile"
	"camd/internal/filewatch"
	"camd/pkg/audit"
	"camd/pkg/config"
	"camd/pkg/source"
)

// maxReadRetries is how often a watched file is read again that is not what the watch reported. One that is gone for good, or that has
// other content by then, is the watch's to report.
const maxReadRetries = 10

// handleReloads reloads whenever it is asked to, or the file changes and is watched, until ctx ends. A terminal that hangs up sends the same signal, and means stop.
func (d *daemon) handleReloads(ctx context.Context, stop func()) {
	d.reportLastGood()
	d.keepLastGood()
	changed := make(chan filewatch.Fingerprint, 1)
	if path := d.active.Path; d.startConfig.WatchConfig && path != "" {
		known := filewatch.FingerprintOf(d.active.Text)
		var watching sync.WaitGroup
		defer watching.Wait()
		watching.Go(func() {
			if err := filewatch.Watch(ctx, []string{path}, known, changed); err != nil {
				d.log.Warn("configuration not watched", zap.Error(err), zap.String("remedy", "ask for a reload by SIGHUP"))
			}
		})
	}
	var latest filewatch.Fingerprint
	var again <-chan time.Time
	retries := 0
	readWatched := func() {
		next, err := d.options.ReadConfig()
		if again = nil; next.Text == nil || filewatch.FingerprintOf(next.Text) != latest {
			// It is being written again, maybe with the same content, which the watch does not report.
			if retries++; retries <= maxReadRetries {
				again = time.After(time.Second)
			}
			return
		}
		_ = d.service.Reload(ctx, d.auditedReload("file", next, err))
	}
	for {
		select {
		case latest = <-changed:
			retries = 0
			readWatched()
		case <-again:
			readWatched()
		case <-d.options.Reload:
			if d.options.TerminalGone() {
				d.log.Info("terminal gone")
				stop()
				return
			}
			next, err := d.options.ReadConfig()
			_ = d.service.Reload(ctx, d.auditedReload("signal", next, err)) // the log, /readyz and the metrics have it
		case <-ctx.Done():
			return
		}
	}
}

// auditedReload returns Reload of what was read, with an audit record: via says what asked for it.
func (d *daemon) auditedReload(via string, next configfile.Loaded, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		before := d.active.Config
		err := d.Reload(ctx, next, err)
		switch actor := (audit.Actor{Via: via}); {
		case ctx.Err() != nil:
		case err != nil:
			d.auditLog.Record(audit.NotReloaded, actor)
		default:
			d.auditLog.Record(audit.Reloaded, actor, zap.Strings("keys", config.ChangedKeys(before, d.active.Config)))
			if !bytes.Equal(d.linkKey, d.auth.linkKey) {
				d.auditLog.Record(audit.LinksRevoked, actor)
			}
			d.linkKey = d.auth.linkKey
		}
		return err
	}
}

// Reload puts a configuration into force that was read, without touching whom it does not concern. err says why it could not be read.
// The error that is returned says why that of before stays in force, wholly; it has been logged, counted and shown. When Reload
// returns, every camera goes by the new one.
func (d *daemon) Reload(ctx context.Context, next configfile.Loaded, err error) error {
	if err == nil {
		err = d.reload(ctx, next)
	}
	if ctx.Err() != nil { // camd ends, and that is no fault of the file's
		return ctx.Err()
	}
	if err != nil {
		d.server.RecordReload(err, nil)
		d.log.Error("configuration not reloaded", configErrorField(err), zap.String("remedy", "what was in force stays so; mend the file and reload again"))
		return err
	}
	restartKeys := keysNeedingRestart(d.startConfig, next.Config)
	d.server.RecordReload(nil, restartKeys)
	if len(restartKeys) > 0 {
		d.log.Warn("restart needed", zap.Strings("keys", restartKeys), zap.String("remedy", "these take effect when camd is started anew: systemctl restart camd"))
	}
	return nil
}

func (d *daemon) reload(ctx context.Context, next configfile.Loaded) error {
	if d.active.Path != "" && next.Path == "" {
		return fmt.Errorf("%s is not there any more; put it back, or start camd anew to serve without it", configfile.DefaultPath)
	}
	cfg := next.Config
	if err := checkExposedAddrs(cfg, d.servedAddrs...); err != nil {
		return fmt.Errorf("camd listens where it did when it was started: %w", err)
	}
	if err := configfile.CheckAuthKept(d.active, next); err != nil {
		return err
	}
	worker, err := findWorker(cfg)
	if err != nil {
		return err
	}
	authenticator := d.auth.newAuthenticator(cfg)
	if err := d.alerts.prepare(cfg); err != nil {
		return err
	}
	// Behind the others that may refuse: it takes effect at once.
	if err := d.certs.load(cfg); err != nil {
		return err
	}
	// Before any work at cameras, which may take seconds: who may not come in any more must not wait for a process that hangs.
	d.auth.applySessionLimits(cfg)
	d.registry.restrict(authenticator)
	changed, err := d.fleet.Reconfigure(ctx, d.cameraOptions(cfg, worker), func(now []*source.Camera) {
		d.registry.setCameras(cfg, now, authenticator)
		d.alerts.setCameras(cfg, now)
		d.localCameras.set(cfg, now)
	})
	if err != nil {
		return err
	}
	d.warnWiderAnonymousAccess(d.active.Config, cfg)
	d.active = next
	d.keepLastGood()
	warnFDLimit(cfg, d.log)
	d.reopenAuditLog(cfg)
	if level, err := zapcore.ParseLevel(cfg.Log.Level); err == nil { // it has been checked
		d.options.Loggers.Level.SetLevel(level)
	}
	d.log.Info("configuration reloaded", zap.Int("cameras", len(cfg.Cameras)), zap.Strings("added", changed.Added),
		zap.Strings("removed", changed.Removed), zap.Strings("adjusted", changed.Adjusted), zap.Strings("reopened", changed.Reopened))
	return nil
}

// reopenAuditLog has the audit log go on as the configuration has it, in a file that may be another under the same name.
func (d *daemon) reopenAuditLog(cfg *config.Config) {
	d.auditLog.SetAddresses(audit.Addresses(cfg.Log.Addresses))
	if err := d.options.Loggers.ReopenAudit(); err != nil {
		d.log.Error("audit file not opened anew", zap.Error(err))
	}
}

// keysNeedingRestart lists the keys that cannot change while camd runs, of those that have changed since it was started.
func keysNeedingRestart(first, now *config.Config) (keys []string) {
	for _, k := range []struct {
		key     string
		changed bool
	}{
		{"listen", first.Listen != now.Listen},
		{"socket_mode", first.SocketMode != now.SocketMode},
		{"metrics_listen", first.MetricsListen != now.MetricsListen},
		{"tls", (first.TLS == nil) != (now.TLS == nil)},
		{"tls.redirect_from", first.TLS != nil && now.TLS != nil && first.TLS.RedirectFrom != now.TLS.RedirectFrom},
		{"tls.acme", first.TLS != nil && now.TLS != nil && !reflect.DeepEqual(first.TLS.ACME, now.TLS.ACME)},
		{"bus", !reflect.DeepEqual(BusOptions(first), BusOptions(now))},
		{"state_dir", first.StateDir != now.StateDir},
		{"watch_config", first.WatchConfig != now.WatchConfig},
		{"log.format", first.Log.Format != now.Log.Format},
		{"log.audit", first.Log.Audit != now.Log.Audit},
	} {
		if k.changed {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// configErrorField is what is wrong, a string for each mistake of a file.
func configErrorField(err error) zap.Field {
	var e *config.Error
	if errors.As(err, &e) {
		return zap.Strings("mistakes", strings.Split(e.Error(), "\n"))
	}
	return zap.Error(err)
}
