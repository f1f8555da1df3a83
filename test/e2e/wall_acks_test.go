package e2e

import "time"

// ackDelay is how long a client collects acknowledgements: so long that a message has those of many cameras.
const ackDelay = 30 * time.Millisecond

// acknowledge sends what is pending, until the client is closed.
func (w *wallClient) acknowledge() {
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-w.wake:
		case <-w.ctx.Done():
			return
		}
		delay.Reset(ackDelay)
		select {
		case <-delay.C:
		case <-w.ctx.Done():
			return
		}
		w.mu.Lock()
		seen := w.pending
		w.pending = map[uint16]uint64{}
		w.mu.Unlock()
		if w.send(map[string]any{"type": "ack", "seen": seen}) != nil {
			return
		}
	}
}

// seen acknowledges a frame.
func (w *wallClient) seen(f *wallFrame) {
	w.mu.Lock()
	w.pending[f.Stream] = f.seq
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
