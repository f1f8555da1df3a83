package source

import (
	"slices"
	"sync"
	"time"
)

// slotTimeout is how long a process may hold its start slot while it loads OpenCV. A process that hangs must not prevent other cameras
// from starting.
const slotTimeout = 10 * time.Second

// startQueue bounds how many capture processes load OpenCV at the same time. Loading takes up to half a second of processor
// time. If all cameras load at once on a small machine, none of them is ready in time. Slots are granted in the order of join. It is
// safe for concurrent use.
type startQueue struct {
	mu      sync.Mutex
	free    int
	waiting []*startSlot // the oldest first
}

// startSlot is a camera's place in the queue, and then its permission to start a process. A nil slot is never granted.
type startSlot struct {
	queue *startQueue
	given chan struct{} // closed when the process may start
	held  bool          // guarded by queue.mu
}

func newStartQueue(slots int) *startQueue { return &startQueue{free: slots} }

// join appends a camera to the queue. The caller must release the slot, whether it was granted or not.
func (q *startQueue) join() *startSlot {
	s := &startSlot{queue: q, given: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, s)
	q.grant()
	return s
}

// grant gives free slots to those that wait longest. The caller holds mu.
func (q *startQueue) grant() {
	for q.free > 0 && len(q.waiting) > 0 {
		s := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.free--
		s.held = true
		close(s.given)
	}
}

// granted returns a channel that is closed when the process may start.
func (s *startSlot) granted() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.given
}

// release leaves the queue, or gives the slot back if it was granted. Further calls do nothing.
func (s *startSlot) release() {
	if s == nil {
		return
	}
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.held {
		s.held = false
		q.free++
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *startSlot) bool { return w == s })
	q.grant()
}
