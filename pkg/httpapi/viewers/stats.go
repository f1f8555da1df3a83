package viewers

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Stats are the registry's counts at one moment.
type Stats struct {
	Connected  map[Key]int
	Totals     map[Key]Totals
	Cut        map[[2]string]uint64
	Refused    map[string]uint64
	MaxViewers int // of viewers at once
	Walls      int // connections, with cameras or without
}

// Stats returns the counts now.
func (r *Registry) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Stats{Connected: map[Key]int{}, Totals: map[Key]Totals{}, Cut: maps.Clone(r.cut), Refused: maps.Clone(r.refused), MaxViewers: r.limits.Viewers, Walls: r.wallConns}
	for s, t := range r.pastCounts {
		c.Totals[s] = *t
	}
	for v := range r.viewers {
		t := c.Totals[v.Key]
		t.add(v.Totals())
		c.Totals[v.Key] = t
		c.Connected[v.Key]++
	}
	return c
}

// CountPerCamera returns how many viewers each camera has.
func (r *Registry) CountPerCamera() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.perCamera)
}

// Count returns how many viewers there are.
func (r *Registry) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.viewers)
}

// All returns all viewers, in no order.
func (r *Registry) All() []*Viewer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.viewers))
}

// Sorted returns the viewers by camera. Those of one camera are in the order in which they joined.
func (r *Registry) Sorted() []*Viewer {
	viewers := r.All()
	slices.SortFunc(viewers, func(v, w *Viewer) int {
		return cmp.Or(cmp.Compare(v.Camera, w.Camera), v.Since.Compare(w.Since), cmp.Compare(v.ID, w.ID))
	})
	return viewers
}

// Sample is how many viewers a camera has, and the average age of their newest frames in seconds. The age is NaN while no viewer has a
// frame of the camera.
type Sample struct {
	Viewers  int
	FrameAge float64
}

// Samples returns the sample of each camera that has viewers.
func (r *Registry) Samples() map[string]Sample {
	type sum struct {
		present, aged int
		age           time.Duration
	}
	sums := map[string]*sum{}
	r.mu.Lock()
	for v := range r.viewers {
		s := sums[v.Camera]
		if s == nil {
			s = &sum{}
			sums[v.Camera] = s
		}
		s.present++
		if age, ok := v.FrameAge(); ok {
			s.aged++
			s.age += age
		}
	}
	r.mu.Unlock()
	all := make(map[string]Sample, len(sums))
	for id, s := range sums {
		all[id] = Sample{s.present, s.age.Seconds() / float64(s.aged)} // 0/0 is NaN
	}
	return all
}
