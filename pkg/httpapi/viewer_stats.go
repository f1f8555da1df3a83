package httpapi

import "maps"

// viewerStats are the registry's counts at one moment.
type viewerStats struct {
	connected  map[streamKey]int
	totals     map[streamKey]deliveryCounts
	cut        map[[2]string]uint64
	refused    map[string]uint64
	maxViewers int // of viewers at once
	wallConns  int // connections, with cameras or without
}

func (a *viewerRegistry) collectStats() viewerStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := viewerStats{connected: map[streamKey]int{}, totals: map[streamKey]deliveryCounts{}, cut: maps.Clone(a.cut), refused: maps.Clone(a.refused), maxViewers: a.limits.Viewers, wallConns: a.wallConns}
	for s, t := range a.pastCounts {
		c.totals[s] = *t
	}
	for v := range a.viewers {
		t := c.totals[v.streamKey]
		t.add(v.deliveryCounts())
		c.totals[v.streamKey] = t
		c.connected[v.streamKey]++
	}
	return c
}

// countPerCamera returns how many viewers each camera has.
func (a *viewerRegistry) countPerCamera() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.perCamera)
}

// size returns how many viewers there are.
func (a *viewerRegistry) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.viewers)
}
