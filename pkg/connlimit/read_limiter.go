package connlimit

import (
	"sync"
	"time"
)

// How much a client may send over one connection. Requests come nowhere near it; floods of requests that are refused, of pings or of
// windows of a byte do, and cost more to answer than to send.
const (
	readBurst          = 512 << 10 // bytes, at once
	readBytesPerSecond = 128 << 10 // bytes a second, for good
	maxReadSize        = 16 << 10  // bytes that are read at a time
	writtenPerReadByte = 8         // a client that is sent so many bytes may send one more: acknowledging a stream of HTTP/2 takes one in 80
)

// timePerByte is the time that one byte costs.
const timePerByte = time.Second / readBytesPerSecond

// readLimiter limits how fast a client is read. The zero value has read nothing.
type readLimiter struct {
	mu        sync.Mutex
	paidUntil time.Time // when the rate has made up for the bytes read so far
}

// delayAfterRead notes n bytes read, and returns how long to wait before the next read: the time of maxReadSize bytes at most, if callers wait.
func (p *readLimiter) delayAfterRead(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paidUntil.Before(now) {
		p.paidUntil = now
	}
	p.paidUntil = p.paidUntil.Add(time.Duration(n) * timePerByte)
	return p.paidUntil.Sub(now) - readBurst*timePerByte
}

// creditWrite notes n bytes written to the client.
func (p *readLimiter) creditWrite(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paidUntil = p.paidUntil.Add(-time.Duration(n/writtenPerReadByte) * timePerByte)
}
