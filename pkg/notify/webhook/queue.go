package webhook

import (
	"context"
	"slices"
	"sync"
)

// queue holds at most one letter for each camera, in the order in which the cameras came. Safe for concurrent use.
type queue struct {
	mu      sync.Mutex
	letters []*letter
	bell    chan struct{} // holds a ring when there may be letters
}

func newQueue() *queue { return &queue{bell: make(chan struct{}, 1)} }

// put queues l, in the place of an older letter about its camera if there is one; superseded says so.
func (q *queue) put(l *letter) (superseded bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.IndexFunc(q.letters, func(o *letter) bool { return o.camera == l.camera }); i >= 0 {
		q.letters[i] = l
		return true
	}
	q.letters = append(q.letters, l)
	select {
	case q.bell <- struct{}{}:
	default:
	}
	return false
}

// next waits for the letter whose turn it is, and returns nil when ctx ends. It stays in the queue until done.
func (q *queue) next(ctx context.Context) *letter {
	for {
		if ctx.Err() != nil {
			return nil
		}
		q.mu.Lock()
		if len(q.letters) > 0 {
			defer q.mu.Unlock()
			return q.letters[0]
		}
		q.mu.Unlock()
		select {
		case <-q.bell:
		case <-ctx.Done():
		}
	}
}

// done takes l out, unless a newer letter has its place already.
func (q *queue) done(l *letter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.letters, l); i >= 0 {
		q.letters = slices.Delete(q.letters, i, i+1)
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.letters)
}
