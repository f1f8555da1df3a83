package bus

import (
	"slices"
	"time"
)

// clockOffset estimates how far an instance's clock is from this one's.
type clockOffset struct {
	samples [8]time.Duration
	n       int
}

// addSample adds an announcement that was sent at an instance's time and arrived now. A sample includes the transit time, so the
// least of several is the best.
func (c *clockOffset) addSample(sent, now time.Time) {
	c.samples[c.n%len(c.samples)] = now.Round(0).Sub(sent)
	c.n++
}

// estimate returns what to add to an instance's times. It is 0 for an offset below one second: clocks that NTP keeps are more exact
// than this estimate.
func (c *clockOffset) estimate() time.Duration {
	if c.n == 0 {
		return 0
	}
	least := slices.Min(c.samples[:min(c.n, len(c.samples))])
	if least > -time.Second && least < time.Second {
		return 0
	}
	return least
}
