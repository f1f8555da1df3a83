package turnstile

import (
	"sync"
	"time"
)

// How much a client may say over one connection. Requests come nowhere near it; floods of requests that are refused, of pings or of
// windows of a byte do, and cost more to answer than to send.
const (
	atFirst  = 512 << 10 // bytes, at once
	eachTurn = 128 << 10 // bytes a second, for good
	mouthful = 16 << 10  // bytes that are read at a time
	answered = 8         // who is sent so many bytes may say one more: acknowledging a stream of HTTP/2 takes one in 80
)

// turn is what a byte takes.
const turn = time.Second / eachTurn

// pace is what a client has said, against what it may. The zero value has said nothing.
type pace struct {
	mu   sync.Mutex
	paid time.Time // when what it has said will be paid for by the time that has passed
}

// heard notes n bytes, and returns for how long nothing more should be heard: for a mouthful's turns at most, if that is kept to.
func (p *pace) heard(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paid.Before(now) {
		p.paid = now
	}
	p.paid = p.paid.Add(time.Duration(n) * turn)
	return p.paid.Sub(now) - atFirst*turn
}

// told notes that it was sent n bytes.
func (p *pace) told(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paid = p.paid.Add(-time.Duration(n/answered) * turn)
}
