package main

import (
	"context"
	"sync"
	"time"

	"camd/internal/doctor"
	"camd/pkg/bus"
	"camd/pkg/config"
)

// Looking at the bus takes so long at most, and so long once it is connected: sites answer at once, or not at all.
const (
	busProbeTimeout  = 5 * time.Second
	busDiscoveryTime = 2 * time.Second
)

// probeBus joins the bus as a relay that serves nobody, to see what is there.
func probeBus(ctx context.Context, cfg *config.Config) doctor.BusReport {
	o := busOptions(cfg)
	o.Site, o.Relay = "", true // a site hears nothing of itself
	b, err := bus.New(o)
	if err != nil {
		return doctor.BusReport{Problem: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, busProbeTimeout)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { b.Run(ctx) })
	waitForSites(ctx, b)
	s, found := b.State(), doctor.BusReport{Sites: map[string]int{}}
	found.Problem, found.MaxPayload, found.Refused = s.Problem, s.MaxPayload, s.Refused
	if s.Connected {
		found.Server = s.Server
	}
	for _, c := range b.Cameras() {
		found.Sites[c.Site()]++
	}
	return found
}

// waitForSites returns once the bus has been connected for long enough to hear of all sites, or ctx has ended.
func waitForSites(ctx context.Context, b *bus.Bus) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if s := b.State(); s.Connected && time.Since(s.Since) > busDiscoveryTime {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
