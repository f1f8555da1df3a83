package access

import (
	"errors"
	"fmt"
	"time"
)

// Why there is no grant. LaterError is one more.
var (
	ErrNone    = errors.New("no credentials")                                        // none were given, and not everybody may come in
	ErrWrong   = errors.New("wrong credentials")                                     // never says which part of them
	ErrExpired = fmt.Errorf("the link has expired, or was taken back: %w", ErrWrong) // also of a session that has ended
)

// LaterError says that credentials were not looked at: too many have been wrong, or too many are being looked at.
type LaterError struct{ After time.Duration }

// Error says when to come back.
func (e *LaterError) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d s", e.Seconds())
}

// Seconds is After as Retry-After has it: whole seconds, at least 1.
func (e *LaterError) Seconds() int { return max(1, int((e.After+time.Second-1)/time.Second)) }
