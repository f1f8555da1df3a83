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
)

// maxReadRetries is how often a watched file is read again if it does not have the content that the watch reported. After that many
// retries the file no longer exists, or the watch will report its new content.
const maxReadRetries = 10

// handleReloads reloads on a signal, and when the watched file changes, until ctx ends. A terminal that hangs up sends the same signal. In
// that case it stops the daemon.
func (d *daemon) handleReloads(ctx context.Context) error {
	d.reportLastGood()
	d.keepLastGood()
	changed := make(chan filewatch.Fingerprint, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	if d.startConfig.WatchConfig && d.active.Path != "" {
		path, known := d.active.Path, filewatch.FingerprintOf(d.active.Text)
		watching.Go(func() { d.watchFile(ctx, path, known, changed) })
	}
	var latest filewatch.Fingerprint
	var again <-chan time.Time
	retries := 0
	readWatched := func() {
		next, err := d.options.ReadConfig()
		if again = nil; next.Text == nil || filewatch.FingerprintOf(next.Text) != latest {
			// Something is writing the file again, maybe with the same content. The watch would not report that.
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
				d.log.Info("terminal closed")
				d.stop()
				return nil
			}
			next, err := d.options.ReadConfig()
			_ = d.service.Reload(ctx, d.auditedReload("signal", next, err)) // reload has reported the error
		case <-ctx.Done():
			return nil
		}
	}
}

// watchFile watches the configuration file until ctx ends.
func (d *daemon) watchFile(ctx context.Context, path string, known filewatch.Fingerprint, changed chan filewatch.Fingerprint) {
	if err := filewatch.Watch(ctx, []string{path}, known, changed); err != nil {
		d.log.Warn("configuration not watched", zap.Error(err), zap.String("remedy", "send SIGHUP to reload"))
	}
}

// auditedReload returns a function that reloads and writes an audit record. next and readErr are the result of reading the configuration.
// via says what requested the reload.
func (d *daemon) auditedReload(via string, next configfile.Loaded, readErr error) func(context.Context) error {
	return func(ctx context.Context) error {
		before, linkKey := d.active.Config, d.auth.linkKey
		err := d.reload(ctx, next, readErr)
		switch actor := (audit.Actor{Via: via}); {
		case ctx.Err() != nil:
		case err != nil:
			d.auditLog.Record(audit.NotReloaded, actor)
		default:
			d.auditLog.Record(audit.Reloaded, actor, zap.Strings("keys", config.ChangedKeys(before, d.active.Config)))
			if !bytes.Equal(linkKey, d.auth.linkKey) {
				d.auditLog.Record(audit.LinksRevoked, actor)
			}
		}
		return err
	}
}

// reload puts a configuration into force. readErr says why it could not be read. When reload returns nil, every camera follows the new
// configuration, and clients that it does not concern were not interrupted. On an error the previous configuration stays in force, and
// the error has been logged, counted and published in /readyz.
func (d *daemon) reload(ctx context.Context, next configfile.Loaded, readErr error) error {
	err := readErr
	if err == nil {
		err = reloadAll(ctx, d.components(), next)
	}
	if ctx.Err() != nil { // camd is stopping: this is not an error of the file
		return ctx.Err()
	}
	if err != nil {
		d.server.RecordReload(err, nil)
		d.log.Error("configuration not reloaded", configErrorField(err), zap.String("remedy", "the previous configuration stays in force; correct the file and reload again"))
		return err
	}
	changed := d.fleetChange
	d.log.Info("configuration reloaded", zap.Int("cameras", len(next.Cameras)), zap.Strings("added", changed.Added),
		zap.Strings("removed", changed.Removed), zap.Strings("adjusted", changed.Adjusted), zap.Strings("reopened", changed.Reopened))
	restartKeys := keysNeedingRestart(d.startConfig, next.Config)
	d.server.RecordReload(nil, restartKeys)
	if len(restartKeys) > 0 {
		d.log.Warn("restart needed", zap.Strings("keys", restartKeys), zap.String("remedy", "these keys take effect when camd restarts: systemctl restart camd"))
	}
	return nil
}

// prepareFile refuses a configuration without a file if the one in force has a file.
func (d *daemon) prepareFile(next configfile.Loaded) (commit func(context.Context), err error) {
	if d.active.Path != "" && next.Path == "" {
		return nil, fmt.Errorf("%s no longer exists; restore it, or restart camd to serve without it", configfile.DefaultPath)
	}
	return func(context.Context) {}, nil
}

// setActiveConfig makes next the configuration in force.
func (d *daemon) setActiveConfig(_ context.Context, next configfile.Loaded) {
	d.warnWiderAnonymousAccess(d.active.Config, next.Config)
	d.active = next
	d.keepLastGood()
	warnFDLimit(next.Config, d.log)
}

// commitAuditLog applies the audit settings of the configuration. It opens the file of the audit log again, because a log rotation may have
// renamed it.
func (d *daemon) commitAuditLog(_ context.Context, next configfile.Loaded) {
	d.auditLog.SetAddresses(audit.Addresses(next.Log.AuditAddresses))
	if err := d.options.Loggers.ReopenAudit(); err != nil {
		d.log.Error("audit file not reopened", zap.Error(err))
	}
}

// prepareLog refuses a log level that does not exist.
func (d *daemon) prepareLog(next configfile.Loaded) (commit func(context.Context), err error) {
	level, err := zapcore.ParseLevel(next.Log.Level)
	if err != nil {
		return nil, fmt.Errorf("log level %q: must be debug, info, warn or error", next.Log.Level)
	}
	return func(context.Context) { d.options.Loggers.Level.SetLevel(level) }, nil
}

// keysNeedingRestart returns the keys that have changed since camd was started and take effect only at a restart.
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

// configErrorField returns the log field of a configuration error, with one string for each mistake of a file.
func configErrorField(err error) zap.Field {
	var e *config.Error
	if errors.As(err, &e) {
		return zap.Strings("mistakes", strings.Split(e.Error(), "\n"))
	}
	return zap.Error(err)
}
