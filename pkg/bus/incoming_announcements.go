package bus

import (
	"context"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// incomingAnnouncements holds the announcements that have been admitted and not been read yet. Reading one may take a hundredth of a second.
// Those of publishers that are not known wait until no others do, so that no number of them delays an announcement of a known one.
type incomingAnnouncements struct {
	known, unknown chan *nats.Msg
	bytes          atomic.Int64 // of both
}

// maxUnreadBytes is how many bytes of announcements, headers included, wait to be read.
const maxUnreadBytes = 32 << 20

func newPendingAnnouncements() *incomingAnnouncements {
	return &incomingAnnouncements{known: make(chan *nats.Msg, 4096), unknown: make(chan *nats.Msg, 4096)}
}

// put adds an announcement, and reports whether there was room.
func (i *incomingAnnouncements) put(m *nats.Msg, known bool) bool {
	if i.bytes.Add(int64(m.Size())) > maxUnreadBytes {
		i.bytes.Add(-int64(m.Size()))
		return false
	}
	to := i.unknown
	if known {
		to = i.known
	}
	select {
	case to <- m:
		return true
	default:
		i.bytes.Add(-int64(m.Size()))
		return false
	}
}

// next waits for an announcement; it is nil once ctx has ended.
func (i *incomingAnnouncements) next(ctx context.Context) (m *nats.Msg) {
	select {
	case m = <-i.known:
	default:
		select {
		case m = <-i.known:
		case m = <-i.unknown:
		case <-ctx.Done():
			return nil
		}
	}
	i.bytes.Add(-int64(m.Size()))
	return m
}
