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
	Sites      map[string]int // the number of cameras of each site
	MaxPayload int64
	Refused    map[string]uint64 // refused messages, by reason
}

// checkBus checks the connection to the bus, and reports the sites on it.
func checkBus(ctx context.Context, probe func(context.Context) BusReport) []Finding {
	if probe == nil {
		return nil
	}
	b := probe(ctx)
	if b.Server == "" {
		return []Finding{fail("bus", "check that servers: names NATS servers, that one is running there, and that this camd may connect; `nats-server -DV` shows what it refuses", "no connection: %s", b.Problem)}
	}
	all := []Finding{ok("bus", "connected to %s, messages up to %d KiB", b.Server, b.MaxPayload>>10)}
	if b.Problem != "" {
		all = append(all, warn("bus", "", "%s", b.Problem))
	}
	for _, site := range slices.Sorted(maps.Keys(b.Sites)) {
		all = append(all, ok("bus", "site %s, cameras: %d", site, b.Sites[site]))
	}
	for _, reason := range slices.Sorted(maps.Keys(b.Refused)) {
		all = append(all, warn("bus", "camd's log has a remedy for each reason; docs/relay.md lists the limits", "messages refused (%s): %d", reason, b.Refused[reason]))
	}
	if len(b.Sites) == 0 {
		all = append(all, warn("bus", "check that a camd with cameras is connected with the same prefix:, and that the server lets this camd read its messages", "no sites found"))
	}
	return all
}
