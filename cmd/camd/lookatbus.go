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
	busPatience = 5 * time.Second
	busHearing  = 2 * time.Second
)

// lookAtBus joins the bus as a relay that serves nobody, to see what is there.
func lookAtBus(ctx context.Context, cfg *config.Config) doctor.Bus {
	o := busOptions(cfg)
	o.Site, o.Relay = "", true // a site hears nothing of itself
	b, err := bus.New(o)
	if err != nil {
		return doctor.Bus{Problem: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, busPatience)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { b.Run(ctx) })
	awaitBus(ctx, b)
	s, found := b.State(), doctor.Bus{Sites: map[string]int{}}
	found.Problem, found.MaxPayload, found.Refused = s.Problem, s.MaxPayload, s.Refused
	if s.Connected {
		found.Server = s.Server
	}
	for _, c := range b.Cameras() {
		found.Sites[c.Site()]++
	}
	return found
}

// awaitBus returns once the bus has been connected for long enough to hear of all sites, or ctx has ended.
func awaitBus(ctx context.Context, b *bus.Bus) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if s := b.State(); s.Connected && time.Since(s.Since) > busHearing {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}
