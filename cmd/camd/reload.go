package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/audit"
	"camd/pkg/config"
	"camd/pkg/source"
)

// reloading is how the configuration is read again.
type reloading struct {
	asked     <-chan os.Signal
	read      func() (loaded, error)
	inForce   loaded // changed by follow alone
	logs      *loggers
	abandoned func() bool // the terminal that camd was started from is gone
}

// follow reloads whenever it is asked to, or the file changes and is watched, until ctx ends. A terminal that hangs up sends the same signal, and means stop.
func (d *daemon) follow(ctx context.Context, stop func()) {
	d.announceLastGood()
	d.keepLastGood()
	changed := make(chan fingerprint, 1)
	if path := d.inForce.path; d.first.WatchConfig && path != "" {
		known := fingerprintOf(d.inForce.text)
		var watching sync.WaitGroup
		defer watching.Wait()
		watching.Go(func() {
			if err := watchFiles(ctx, []string{path}, known, changed); err != nil {
				d.log.Warn("configuration not watched", zap.Error(err), zap.String("remedy", "ask for a reload by SIGHUP"))
			}
		})
	}
	var complete fingerprint
	var again <-chan time.Time
	readWatched := func() {
		next, err := d.read()
		if again = nil; next.text == nil || fingerprintOf(next.text) != complete {
			again = time.After(time.Second) // it is being written again, maybe with the same content, which the watch does not report
			return
		}
		_ = d.manager.Reload(ctx, d.by("file", next, err))
	}
	for {
		select {
		case complete = <-changed:
			readWatched()
		case <-again:
			readWatched()
		case <-d.asked:
			if d.abandoned() {
				d.log.Info("terminal gone")
				stop()
				return
			}
			next, err := d.read()
			_ = d.manager.Reload(ctx, d.by("signal", next, err)) // the log, /readyz and the metrics have it
		case <-ctx.Done():
			return
		}
	}
}

// by returns Reload of what was read, with a note of who wanted it: via says how that is known.
func (d *daemon) by(via string, next loaded, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		before := d.inForce.Config
		err := d.Reload(ctx, next, err)
		switch who := (audit.Person{Via: via}); {
		case ctx.Err() != nil:
		case err != nil:
			d.trail.Note(audit.NotReloaded, who)
		default:
			d.trail.Note(audit.Reloaded, who, zap.Strings("keys", config.Changed(before, d.inForce.Config)))
			if !bytes.Equal(d.key, d.doors.key) {
				d.trail.Note(audit.LinksRevoked, who)
			}
			d.key = d.doors.key
		}
		return err
	}
}

// Reload puts a configuration into force that was read, without touching whom it does not concern. err says why it could not be read.
// The error that is returned says why that of before stays in force, wholly; it has been logged, counted and shown. When Reload
// returns, every camera goes by the new one.
func (d *daemon) Reload(ctx context.Context, next loaded, err error) error {
	if err == nil {
		err = d.reload(ctx, next)
	}
	if ctx.Err() != nil { // camd ends, and that is no fault of the file's
		return ctx.Err()
	}
	if err != nil {
		d.server.Reloaded(err, nil)
		d.log.Error("configuration not reloaded", mistakes(err), zap.String("remedy", "what was in force stays so; mend the file and reload again"))
		return err
	}
	waiting := pending(d.first, next.Config)
	d.server.Reloaded(nil, waiting)
	if len(waiting) > 0 {
		d.log.Warn("restart needed", zap.Strings("keys", waiting), zap.String("remedy", "these take effect when camd is started anew: systemctl restart camd"))
	}
	return nil
}

func (d *daemon) reload(ctx context.Context, next loaded) error {
	if d.inForce.path != "" && next.path == "" {
		return fmt.Errorf("%s is not there any more; put it back, or start camd anew to serve without it", defaultConfig)
	}
	cfg := next.Config
	if err := exposed(cfg, d.open...); err != nil {
		return fmt.Errorf("camd listens where it did when it was started: %w", err)
	}
	if err := keepsAuth(d.inForce, next); err != nil {
		return err
	}
	worker, err := findWorker(cfg)
	if err != nil {
		return err
	}
	gate := d.doors.gate(cfg)
	if err := d.told.prepare(cfg); err != nil {
		return err
	}
	// Behind the others that may refuse: it takes effect at once.
	if err := d.keeper.present(cfg); err != nil {
		return err
	}
	// Before any work at cameras, which may take seconds: who may not come in any more must not wait for a process that hangs.
	d.doors.limit(cfg)
	d.together.restrict(gate)
	changed, err := d.fleet.Change(ctx, d.cameras(cfg, worker), func(now []*source.Camera) {
		d.together.change(cfg, now, gate)
		d.told.change(cfg, now)
		d.present.change(cfg, now)
	})
	if err != nil {
		return err
	}
	d.warnOfWiderAccess(d.inForce.Config, cfg)
	d.inForce = next
	d.keepLastGood()
	admit(cfg, d.log)
	d.rewrite(cfg)
	if level, err := zapcore.ParseLevel(cfg.Log.Level); err == nil { // it has been checked
		d.logs.level.SetLevel(level)
	}
	d.log.Info("configuration reloaded", zap.Int("cameras", len(cfg.Cameras)), zap.Strings("added", changed.Added),
		zap.Strings("removed", changed.Removed), zap.Strings("adjusted", changed.Adjusted), zap.Strings("reopened", changed.Reopened))
	return nil
}

// rewrite has the audit log go on as the configuration has it, in a file that may be another under the same name.
func (d *daemon) rewrite(cfg *config.Config) {
	d.trail.Show(audit.Addresses(cfg.Log.Addresses))
	if f := d.logs.file; f != nil {
		if err := f.Reopen(); err != nil {
			d.log.Error("audit file not opened anew", zap.Error(err))
		}
	}
}

// pending lists the keys that cannot change while camd runs, of those that have changed since it was started.
func pending(first, now *config.Config) (keys []string) {
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
		{"bus", !reflect.DeepEqual(busOptions(first), busOptions(now))},
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

// mistakes is what is wrong, a string for each mistake of a file.
func mistakes(err error) zap.Field {
	var e *config.Error
	if errors.As(err, &e) {
		return zap.Strings("mistakes", strings.Split(e.Error(), "\n"))
	}
	return zap.Error(err)
}

// leftBehind returns what says whether the terminal that out is has hung up since.
func leftBehind(out io.Writer) func() bool {
	terminal := isTerminal(out)
	return func() bool { return terminal && !isTerminal(out) }
}
