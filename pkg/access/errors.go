package access

import (
	"errors"
	"fmt"
	"time"
)

// Why there is no grant. RetryLaterError is another reason.
var (
	ErrNoCredentials    = errors.New("no credentials")                                               // none were given, and anonymous access is not allowed
	ErrWrongCredentials = errors.New("wrong credentials")                                            // it does not say which part is wrong
	ErrExpired          = fmt.Errorf("the link has expired or was revoked: %w", ErrWrongCredentials) // only of links
)

// RetryLaterError says that credentials were not checked: too many were wrong, or too many are waiting to be checked.
type RetryLaterError struct{ RetryAfter time.Duration }

// Error says after how many seconds to try again.
func (e *RetryLaterError) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d s", e.Seconds())
}

// Seconds returns RetryAfter for the header Retry-After: in whole seconds, rounded up, at least 1.
func (e *RetryLaterError) Seconds() int { return max(1, int((e.RetryAfter+time.Second-1)/time.Second)) }
