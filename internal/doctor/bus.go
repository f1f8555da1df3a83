package doctor

import (
	"context"
	"maps"
	"slices"
)

// BusReport is what a probe found on the bus.
type BusReport struct {
	Server     string         // the server that was connected; empty without a connection
	Problem    string         // why there was no connection, or what is wrong with it
	Sites      map[string]int // how many cameras each site there has
	MaxPayload int64
	Refused    map[string]uint64 // refused messages, by reason
}

// checkBus checks the connection to the bus, and reports the sites there.
func checkBus(ctx context.Context, probe func(context.Context) BusReport) []Finding {
	if probe == nil {
		return nil
	}
	b := probe(ctx)
	if b.Server == "" {
		return []Finding{fail("bus", "do servers: name NATS servers, does one run there, and may this camd connect? `nats-server -DV` shows what it refuses", "no connection: %s", b.Problem)}
	}
	all := []Finding{ok("bus", "connected to %s, which takes messages of %d KiB", b.Server, b.MaxPayload>>10)}
	if b.Problem != "" {
		all = append(all, warn("bus", "", "%s", b.Problem))
	}
	for _, site := range slices.Sorted(maps.Keys(b.Sites)) {
		all = append(all, ok("bus", "site %s, cameras: %d", site, b.Sites[site]))
	}
	for _, reason := range slices.Sorted(maps.Keys(b.Refused)) {
		all = append(all, warn("bus", "the log of camd has a remedy for each reason; docs/relay.md says what the limits are", "messages refused (%s): %d", reason, b.Refused[reason]))
	}
	if len(b.Sites) == 0 {
		all = append(all, warn("bus", "is a camd with cameras and the same prefix: connected, and may this one read what it publishes?", "no site was heard of"))
	}
	return all
}
