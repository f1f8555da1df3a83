package bus

import (
	"context"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// incomingAnnouncements queues admitted announcements until they are parsed, which may take 10 ms for one. Announcements of known
// publishers come first, so that no number of unknown publishers delays them. Its methods are safe for concurrent use.
type incomingAnnouncements struct {
	known, unknown chan *nats.Msg
	bytes          atomic.Int64 // of both
}

// maxUnreadBytes bounds the queued announcements, in bytes including headers.
const maxUnreadBytes = 32 << 20

func newPendingAnnouncements() *incomingAnnouncements {
	return &incomingAnnouncements{known: make(chan *nats.Msg, 4096), unknown: make(chan *nats.Msg, 4096)}
}

// put queues an announcement, and reports whether there was room. It does not block.
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

// next waits for an announcement and returns it. It returns nil when ctx has ended.
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
