package access

import (
	"errors"
	"fmt"
	"time"
)

// Why there is no grant. RetryLaterError is one more.
var (
	ErrNoCredentials    = errors.New("no credentials")                                                   // none were given, and not everybody may come in
	ErrWrongCredentials = errors.New("wrong credentials")                                                // never says which part of them
	ErrExpired          = fmt.Errorf("the link has expired, or was taken back: %w", ErrWrongCredentials) // also of a session that has ended
)

// RetryLaterError says that credentials were not looked at: too many have been wrong, or too many are being looked at.
type RetryLaterError struct{ RetryAfter time.Duration }

// Error says when to come back.
func (e *RetryLaterError) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d s", e.Seconds())
}

// Seconds is After as Retry-After has it: whole seconds, at least 1.
func (e *RetryLaterError) Seconds() int { return max(1, int((e.RetryAfter+time.Second-1)/time.Second)) }
