package notify

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry  = time.Second
	retryJitter = 0.3 // keeps many camds from retrying in step
)

// NewBackoff returns the waits between attempts to deliver: about one second, and then twice as long each time, up to longest. They
// vary randomly by 30 %.
func NewBackoff(longest time.Duration) *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{InitialInterval: firstRetry, MaxInterval: longest, Multiplier: 2, RandomizationFactor: retryJitter}
	b.Reset()
	return b
}
