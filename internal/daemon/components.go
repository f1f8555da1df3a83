package daemon

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"camd/internal/configfile"
)

// component is one part of the daemon. A nil function means that the part has nothing to do at that point.
type component struct {
	name string

	// prepare reads and checks what the component needs of the next configuration. It changes nothing that can be observed. With an error
	// it refuses the configuration. Otherwise commit puts the configuration into force, and cannot refuse it.
	prepare func(next configfile.Loaded) (commit func(context.Context), err error)

	// commit is for a component that refuses no configuration and has nothing to prepare.
	commit func(ctx context.Context, next configfile.Loaded)

	// run works until ctx ends, and returns when everything that it started has ended. An error stops the daemon.
	run func(context.Context) error

	stopsLast bool // the context of run ends when all other components have ended
}

// components returns the parts of the daemon. They commit a configuration in this order.
func (d *daemon) components() []component {
	return []component{
		{name: "configuration file", prepare: d.prepareFile, run: d.handleReloads},

		// Before the cameras, whose processes may take seconds to stop: a client that loses access loses it at once.
		{name: "access rules", prepare: d.prepareAccess, run: withoutError(d.auth.sessions.Run)},
		{name: "certificate", prepare: d.prepareCertificate, run: withoutError(d.certs.Run)},
		{name: "notifications", prepare: d.prepareNotifications, run: withoutError(d.notifiers.Run)}, // in force with the cameras
		{name: "cameras", prepare: d.prepareCameras, run: withoutError(d.fleet.Run)},
		{name: "active configuration", commit: d.setActiveConfig},
		{name: "audit log", commit: d.commitAuditLog},
		{name: "log", prepare: d.prepareLog},

		{name: "remote cameras", run: withoutError(d.registry.Run)},
		{name: "bus", run: withoutError(d.registry.runBus), stopsLast: true}, // so that it can still announce why the cameras end
		{name: "server", run: d.serve},
		{name: "service manager", run: withoutError(d.reportToService)},
	}
}

func withoutError(run func(context.Context)) func(context.Context) error {
	return func(ctx context.Context) error { run(ctx); return nil }
}

// reloadAll puts a configuration into force. First every component prepares. If one refuses, nothing has changed. Otherwise all commit in the
// order of the table. If ctx ends, the daemon is stopping, and the remaining components do not commit.
func reloadAll(ctx context.Context, components []component, next configfile.Loaded) error {
	var commits []func(context.Context)
	for _, c := range components {
		switch {
		case c.prepare != nil:
			commit, err := c.prepare(next)
			if err != nil {
				return err
			}
			commits = append(commits, commit)
		case c.commit != nil:
			commits = append(commits, func(ctx context.Context) { c.commit(ctx, next) })
		}
	}
	for _, commit := range commits {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		commit(ctx)
	}
	return ctx.Err()
}

// runAll runs components until ctx ends or one of them fails, and returns when all have ended.
func runAll(ctx context.Context, components []component) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lastCtx, stopLast := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLast()
	first, firstCtx := errgroup.WithContext(ctx)
	var last errgroup.Group
	for _, c := range components {
		switch {
		case c.run == nil:
		case c.stopsLast:
			last.Go(func() error {
				err := c.run(lastCtx)
				if err != nil {
					stop()
				}
				return err
			})
		default:
			first.Go(func() error { return c.run(firstCtx) })
		}
	}
	err := first.Wait()
	stopLast()
	return errors.Join(err, last.Wait())
}
