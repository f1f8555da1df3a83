package webhook

import (
	"context"
	"slices"
	"sync"
)

// queue holds at most one delivery for each camera, in the order in which the cameras were added. Its methods are safe for concurrent
// use.
type queue struct {
	mu         sync.Mutex
	deliveries []*delivery
	ready      chan struct{} // has an element when there may be deliveries
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// put queues l, in place of an older delivery of its camera, and reports whether there was one.
func (q *queue) put(l *delivery) (isReplaced bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.IndexFunc(q.deliveries, func(o *delivery) bool { return o.camera == l.camera }); i >= 0 {
		q.deliveries[i] = l
		return true
	}
	q.deliveries = append(q.deliveries, l)
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return false
}

// next waits for the first delivery and returns it, or nil when ctx ends. The delivery stays in the queue until done.
func (q *queue) next(ctx context.Context) *delivery {
	for {
		if ctx.Err() != nil {
			return nil
		}
		q.mu.Lock()
		if len(q.deliveries) > 0 {
			defer q.mu.Unlock()
			return q.deliveries[0]
		}
		q.mu.Unlock()
		select {
		case <-q.ready:
		case <-ctx.Done():
		}
	}
}

// done removes l, unless a newer delivery has replaced it.
func (q *queue) done(l *delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.deliveries, l); i >= 0 {
		q.deliveries = slices.Delete(q.deliveries, i, i+1)
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.deliveries)
}
