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

// addSample notes the time of an instance's announcement. Its transit time counts too, so the least of several is the best.
func (c *clockOffset) addSample(sent, now time.Time) {
	c.samples[c.n%len(c.samples)] = now.Round(0).Sub(sent)
	c.n++
}

// estimate is what is to be added to an instance's time. Clocks that are within a second of each other, as those are that are
// kept by NTP, are better than what can be learned here.
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
