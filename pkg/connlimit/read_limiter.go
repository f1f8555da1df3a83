package connlimit

import (
	"sync"
	"time"
)

// How much a client may send over one connection. Normal requests stay far below. Floods of refused requests, of HTTP/2 pings or of
// window updates exceed it. They cost camd more than their sender.
const (
	readBurst          = 512 << 10 // bytes at once
	readBytesPerSecond = 128 << 10 // bytes a second in the long run
	maxReadSize        = 16 << 10  // bytes of one read
	writtenPerReadByte = 8         // bytes sent to a client for which it may send one more; acknowledging an HTTP/2 stream takes one in 80
)

// timePerByte is the time in which the rate allows one byte.
const timePerByte = time.Second / readBytesPerSecond

// readLimiter limits how fast a client is read. The zero value has read nothing. It is safe for concurrent use.
type readLimiter struct {
	mu        sync.Mutex
	paidUntil time.Time // when the rate has allowed all bytes read so far
}

// delayAfterRead counts n bytes that were read, and returns how long to wait before the next read; 0 or less means not at all. If
// callers wait, it is at most the time of maxReadSize bytes.
func (r *readLimiter) delayAfterRead(n int, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paidUntil.Before(now) {
		r.paidUntil = now
	}
	r.paidUntil = r.paidUntil.Add(time.Duration(n) * timePerByte)
	return r.paidUntil.Sub(now) - readBurst*timePerByte
}

// creditWrite counts n bytes that were written to the client, which may then send more.
func (r *readLimiter) creditWrite(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paidUntil = r.paidUntil.Add(-time.Duration(n/writtenPerReadByte) * timePerByte)
}
