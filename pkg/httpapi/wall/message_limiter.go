package wall

import (
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// ErrTooManyMessages ends the session of a client that sent too many messages.
var ErrTooManyMessages = errors.New("too many messages")

// messageLimiter limits a client's messages, because each costs time and makes the server answer. Its methods are safe
// for concurrent use.
type messageLimiter struct {
	limit     *rate.Limiter
	exceeded  atomic.Bool
	closeConn func()
}

func newMessageLimiter() *messageLimiter {
	return &messageLimiter{limit: rate.NewLimiter(messagesPerSecond, messageBurst)}
}

// allow counts messages. If the limit is exceeded, it closes the connection without a notice, because a client that floods does not
// read.
func (m *messageLimiter) allow(messages int) (ok bool) {
	if m.limit.AllowN(time.Now(), messages) {
		return true
	}
	m.exceeded.Store(true)
	m.closeConn()
	return false
}
