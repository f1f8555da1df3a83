package broker

import "sync/atomic"

// Stats counts the frames of a subscription. Received + Dropped.Total() is the number of frames that it has passed since its start. The
// sum is exact while its reader is between two calls of Next.
type Stats struct {
	Received uint64
	Dropped  Drops
}

// Drops counts the frames that a subscription has passed and its reader did not get, by reason. Each frame has one reason.
type Drops struct {
	Late      uint64 // Latest: there was a newer frame. Decodable: the frame was older than LateAfter
	Lapped    uint64 // the ring dropped the frame before the reader came to it. Latest counts these as late
	Resync    uint64 // Decodable: a frame that this one needs was not delivered, or the reader skipped it on its way to a keyframe
	Withdrawn uint64 // the publisher withdrew the frame
}

// Total returns the number of dropped frames.
func (d Drops) Total() uint64 { return d.Late + d.Lapped + d.Resync + d.Withdrawn }

// counters are the counts of a subscription. Only the reader adds to them. Each is counted where the frame is passed, and none is
// computed from the others.
type counters struct {
	received, late, lapped, resync, withdrawn atomic.Uint64
}

// Stats returns what the subscription has received and dropped so far.
func (c *counters) Stats() Stats {
	return Stats{
		Received: c.received.Load(),
		Dropped:  Drops{Late: c.late.Load(), Lapped: c.lapped.Load(), Resync: c.resync.Load(), Withdrawn: c.withdrawn.Load()},
	}
}

// addDropped counts dropped frames. An atomic addition costs more than the comparison, and mostly there are none.
func addDropped(to *atomic.Uint64, frames uint64) {
	if frames > 0 {
		to.Add(frames)
	}
}
