package readers

import (
	"sync/atomic"
	"time"

	"camd/pkg/media"
	"camd/pkg/source/damagecheck"
	"camd/pkg/source/wire"
)

// Rates without demand: one picture every idleInterval is sent, and a heartbeat every heartbeatInterval. They are those of camd-capture.
const (
	idleInterval      = time.Second
	heartbeatInterval = 200 * time.Millisecond
)

// pictures decides which JPEGs of a camera are sent: all of them while they are wanted, else one a second, and none that the damage check
// refuses. Its methods belong to the goroutine that reads the camera, except for wanted.
type pictures struct {
	queue       *queue
	check       *damagecheck.Check
	wanted      atomic.Bool // camd wants all pictures
	sentAt      int64       // CLOCK_MONOTONIC in nanoseconds, as all times here
	heartbeatAt int64
}

func newPictures(q *queue) *pictures {
	return &pictures{queue: q, check: damagecheck.New(q.limits)}
}

// add sends a picture, or a heartbeat instead of it if one is due.
func (p *pictures) add(jpeg []byte, captured int64, count uint64) {
	wanted := p.wanted.Load()
	if (wanted || isDue(&p.sentAt, captured, idleInterval)) && p.isGood(jpeg, wanted) {
		p.queue.addJPEG(jpeg, captured, count)
		return
	}
	if isDue(&p.heartbeatAt, captured, heartbeatInterval) {
		p.queue.addHeartbeat(wire.Heartbeat{Captured: captured, Count: count})
	}
}

// isGood reports whether the damage check accepts a picture. Otherwise it counts the picture.
func (p *pictures) isGood(jpeg []byte, wanted bool) bool {
	cause, detail := p.check.Refuse(jpeg, wanted)
	switch cause {
	case "":
		return true
	case media.Unchecked:
		p.queue.addDrop(cause)
	default:
		p.queue.addDamage(cause, detail)
	}
	return false
}

// isDue reports whether an interval has passed since *last, and then makes *last the time now. A picture that is a little early counts, so
// that a camera with one picture a second is not left out every other time.
func isDue(last *int64, now int64, interval time.Duration) bool {
	if *last != 0 && now-*last < int64(interval)*9/10 {
		return false
	}
	*last = now
	return true
}
