package wall

import (
	"time"
)

const (
	maxUnackedJPEGs = 2           // of one camera
	ackWait         = time.Second // how long a frame of video may be unacknowledged before the stream waits
)

// flow knows the frames of a stream that the client has not acknowledged.
type flow struct {
	isVideo bool
	unacked []unackedFrame // oldest first
	since   time.Time      // while there are some: when the first was sent, or the client last acknowledged one
}

type unackedFrame struct {
	seq  uint64
	sent time.Time
}

// add notes that a frame has been sent.
func (f *flow) add(seq uint64, now time.Time) {
	if len(f.unacked) == 0 {
		f.since = now
	}
	f.unacked = append(f.unacked, unackedFrame{seq, now})
}

// acknowledge notes that the client has finished with the frames up to seq. It reports whether there were any.
func (f *flow) acknowledge(seq uint64, now time.Time) bool {
	n := 0
	for n < len(f.unacked) && f.unacked[n].seq <= seq {
		n++
	}
	if n == 0 {
		return false
	}
	f.unacked = f.unacked[:copy(f.unacked, f.unacked[n:])]
	f.since = now
	return true
}

// isBlocked reports whether the stream has to wait for the client.
func (f *flow) isBlocked(now time.Time) bool {
	if f.isVideo {
		return len(f.unacked) > 0 && now.Sub(f.unacked[0].sent) > ackWait
	}
	return len(f.unacked) >= maxUnackedJPEGs
}

// isOverdue reports whether the client has acknowledged nothing for the timeout although it has a frame.
func (f *flow) isOverdue(now time.Time, timeout time.Duration) bool {
	return len(f.unacked) > 0 && now.Sub(f.since) > timeout
}
