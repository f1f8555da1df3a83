package doctor

import (
	"context"
	"sync"
	"time"

	"camd/pkg/bus"
)

// busProbeTimeout is how long a probe of the bus may take.
const busProbeTimeout = 5 * time.Second

// probeBus connects to the bus as a relay without viewers, and returns what it finds there.
func probeBus(ctx context.Context, o bus.Options) BusReport {
	o.Site, o.Relay = "", true // a site does not receive its own messages
	b, err := bus.New(o)
	if err != nil {
		return BusReport{Problem: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, busProbeTimeout)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { b.Run(ctx) })
	waitForSites(ctx, b)
	s, found := b.State(), BusReport{Sites: map[string]int{}}
	found.Problem, found.MaxPayload, found.Refused = s.Problem, s.MaxPayload, s.Refused
	if s.Connected {
		found.Server = s.Server
	}
	for _, c := range b.Cameras() {
		found.Sites[c.Site()]++
	}
	return found
}

// busProbe returns the probe of the target's bus; nil if it has none.
func (t Target) busProbe() func(context.Context) BusReport {
	if t.Bus == nil {
		return nil
	}
	return func(ctx context.Context) BusReport { return probeBus(ctx, *t.Bus) }
}

// waitForSites returns when the bus has been connected for long enough to know all sites, or when ctx ends.
func waitForSites(ctx context.Context, b *bus.Bus) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if s := b.State(); s.Connected && time.Since(s.Since) > bus.DiscoveryTime {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
