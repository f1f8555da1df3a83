package wall

import (
	"errors"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// ErrTalkative is what ended a client's session that said more than any has to say.
var ErrTalkative = errors.New("too many messages")

// talk bounds what a client says: each message costs, and makes the server answer. Its methods belong to the goroutine that
// reads.
type talk struct {
	limit *rate.Limiter
	over  atomic.Bool
	end   func()
}

func newTalk() *talk { return &talk{limit: rate.NewLimiter(perSecond, atOnce)} }

// another notes a message. If it is one too many, it ends the connection, without a word: who floods does not read.
func (t *talk) another() (ok bool) {
	if t.limit.Allow() {
		return true
	}
	t.over.Store(true)
	t.end()
	return false
}
