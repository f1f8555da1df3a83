package httpapi

import "maps"

// census is the audience at one moment.
type census struct {
	present map[seat]int
	totals  map[seat]tally
	cut     map[[2]string]uint64
	refused map[string]uint64
	limit   int // of viewers at once
	walls   int // connections, with cameras or without
}

func (a *audience) count() census {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := census{present: map[seat]int{}, totals: map[seat]tally{}, cut: maps.Clone(a.cut), refused: maps.Clone(a.refused), limit: a.limits.Viewers, walls: a.walls}
	for s, t := range a.past {
		c.totals[s] = *t
	}
	for v := range a.viewers {
		t := c.totals[v.seat]
		t.add(v.tally())
		c.totals[v.seat] = t
		c.present[v.seat]++
	}
	return c
}

// watching returns how many viewers each camera has.
func (a *audience) watching() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.cameras)
}

// size returns how many viewers there are.
func (a *audience) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.viewers)
}
