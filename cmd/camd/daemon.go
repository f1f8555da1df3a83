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
	"camd/pkg/config"
	"camd/pkg/httpapi"
	"camd/pkg/source"
)

// daemon is all that runs, by the configuration that is in force. Its methods belong to one goroutine.
type daemon struct {
	reloading
	stage
	trail    *audit.Trail
	first    *config.Config // what camd was started with
	key      access.LinkKey // for links, of the configuration in force
	fleet    *source.Fleet
	server   *httpapi.Server
	together *company
	keeper   *keeper
	told     *alerts
	doors    *doors
	open     []net.Addr // where it listens, whatever the configuration says by now

	present *crew
	manager *systemd.Service
}

// serve runs a daemon until ctx ends. ready is called once with the address that it listens on.
func serve(ctx context.Context, cfg *config.Config, again reloading, ready func(net.Addr)) error {
	d, err := assemble(cfg, again)
	if err != nil {
		return failed(err)
	}
	front, side, err := d.unlock(cfg)
	if err != nil {
		return err
	}
	err = d.run(ctx, cfg, front, side, ready)
	d.trail.Note(audit.Stopped, audit.Person{}, zap.Error(err))
	if err != nil {
		return failed(err)
	}
	d.log.Info("stopped")
	return nil
}

// assemble makes all that a configuration needs, and starts nothing of it.
func assemble(cfg *config.Config, again reloading) (*daemon, error) {
	log, trail := again.logs.log, audit.New(again.logs.audit)
	trail.Show(audit.Addresses(cfg.Log.Addresses))
	worker, err := findWorker(cfg)
	if err != nil {
		return nil, err
	}
	admit(cfg, log)
	keeper := newKeeper(log)
	if err := errors.Join(keeper.enrol(cfg), keeper.present(cfg)); err != nil {
		return nil, err
	}
	doors := newDoors(cfg, log)
	doors.limit(cfg)
	gate := doors.gate(cfg)
	gate.Settle()
	set := stage{kept: recall(cfg, log), metrics: httpapi.NewMetrics(version, commit), budget: broker.NewBudget(ringBytes, nil), log: log}
	fleet := source.NewFleet(set.cameras(cfg, worker))
	present := &crew{}
	present.change(cfg, fleet.Cameras())
	together, err := newCompany(cfg, set.budget, fleet.Cameras(), gate, httpapi.Options{
		Metrics: set.metrics, Version: version, Log: log, Audit: trail, TLS: keeper.encryption(cfg), Remember: remember(set.kept, present.beginsPaused),
		MetricsAside: cfg.MetricsListen != "", Certificate: keeper.certificateState(cfg),
	})
	if err != nil {
		return nil, err
	}
	told := newAlerts(set.metrics, together.server, log)
	if err := told.prepare(cfg); err != nil {
		return nil, err
	}
	told.change(cfg, fleet.Cameras())
	return &daemon{
		reloading: again, stage: set, trail: trail, first: cfg, key: doors.key, fleet: fleet, server: together.server, together: together,
		keeper: keeper, told: told, doors: doors, present: present, manager: systemd.New(log),
	}, nil
}

// unlock opens the addresses of a configuration.
func (d *daemon) unlock(cfg *config.Config) (front net.Listener, side []httpapi.Door, err error) {
	if front, err = listen(cfg, d.log); err != nil {
		return nil, nil, failed(err)
	}
	if err := exposed(cfg, front.Addr()); err != nil {
		_ = front.Close()
		return nil, nil, misused(err)
	}
	if side, err = sideDoors(cfg, front, d.server, d.keeper, d.log); err != nil {
		_ = front.Close()
		return nil, nil, failed(err)
	}
	d.open = entrances(cfg, front, side)
	return front, side, nil
}

// run starts everything, and returns when all of it has ended. It closes the listeners.
func (d *daemon) run(ctx context.Context, cfg *config.Config, front net.Listener, side []httpapi.Door, ready func(net.Addr)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { d.fleet.Run(ctx); return nil })
	group.Go(func() error { d.told.Run(ctx); return nil })
	group.Go(func() error { d.doors.sessions.Run(ctx); return nil })
	group.Go(func() error { d.keeper.Run(ctx); return nil })
	leave, left := context.WithCancel(context.WithoutCancel(ctx)) // the bus goes last: who watches its cameras has to be told why they go
	defer left()
	group.Go(func() error { d.together.Run(ctx, leave); return nil })
	group.Go(func() error { defer left(); return d.server.Serve(ctx, front, side...) })
	group.Go(func() error { d.follow(ctx, stop); return nil })
	group.Go(func() error {
		<-ctx.Done()
		d.manager.Stopping()
		d.log.Info("stopping")
		return nil
	})
	d.log.Info("serving", zap.Stringer("address", front.Addr()), zap.Bool("tls", cfg.TLS != nil), zap.Int("cameras", len(cfg.Cameras)), zap.String("version", version))
	d.trail.Note(audit.Started, audit.Person{}, zap.String("version", version), zap.Strings("cameras", ids(cfg)))
	ready(front.Addr())
	d.manager.Ready()
	group.Go(func() error { d.manager.Report(ctx, d.together.condition); return nil })
	group.Go(func() error {
		at := asConfigured(front.Addr())
		d.manager.Guard(ctx, healthURL(cfg, at), homeward(at, d.keeper.shown), d.server, d.present)
		return nil
	})
	return group.Wait()
}
