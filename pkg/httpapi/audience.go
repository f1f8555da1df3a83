package httpapi

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Why frames that were published did not reach a viewer.
const (
	dropSlow = "slow_viewer" // it was still taking an earlier one
	dropRate = "fps_limit"   // it asked for fewer
)

// Why a viewer was cut off.
const (
	cutStalled  = "write_timeout" // it took nothing for the write timeout
	cutShutdown = "shutdown"      // camd stopped
)

// The ways in which viewers are connected.
var transports = []string{"http1"}

// seat is a place from which viewers watch: what metrics tell apart.
type seat struct{ camera, rendition, transport string }

// tally is what viewers got; all of it only grows.
type tally struct {
	sent, slow, rate, bytes uint64
}

// viewer counts what one viewer gets. Its counters are written by the goroutine that serves it and read by anybody.
type viewer struct {
	seat
	remote string
	since  time.Time

	sent, bytes, slow, rate atomic.Uint64
}

func (v *viewer) tally() tally {
	return tally{sent: v.sent.Load(), slow: v.slow.Load(), rate: v.rate.Load(), bytes: v.bytes.Load()}
}

func (t *tally) add(u tally) {
	t.sent += u.sent
	t.slow += u.slow
	t.rate += u.rate
	t.bytes += u.bytes
}

// audience knows the viewers. Its lock is taken when one comes or goes and when somebody counts, never for a frame.
type audience struct {
	mu      sync.Mutex
	limit   int
	viewers map[*viewer]struct{}
	past    map[seat]*tally // of those who left
	cut     map[[2]string]uint64
	refused uint64
	gone    sync.WaitGroup
}

// newAudience returns one with a row at zero for everything that may be counted.
func newAudience(limit int, cameras []string) *audience {
	a := &audience{limit: limit, viewers: map[*viewer]struct{}{}, past: map[seat]*tally{}, cut: map[[2]string]uint64{}}
	for _, id := range cameras {
		for _, t := range transports {
			a.past[seat{id, mainRendition, t}] = &tally{}
		}
		for _, why := range []string{cutStalled, cutShutdown} {
			a.cut[[2]string{id, why}] = 0
		}
	}
	return a
}

var errFull = errors.New("as many viewers as this server allows are connected; try again later")

// join admits a viewer or says errFull.
func (a *audience) join(s seat, remote string) (*viewer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.viewers) >= a.limit {
		a.refused++
		return nil, errFull
	}
	v := &viewer{seat: s, remote: remote, since: time.Now()}
	a.viewers[v] = struct{}{}
	a.gone.Add(1)
	return v, nil
}

// leave takes leave of a viewer; cut says why it was sent away, empty if it went by itself.
func (a *audience) leave(v *viewer, cut string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.viewers, v)
	if a.past[v.seat] == nil {
		a.past[v.seat] = &tally{}
	}
	a.past[v.seat].add(v.tally())
	if cut != "" {
		a.cut[[2]string{v.camera, cut}]++
	}
	a.gone.Done()
}

// wait returns when nobody is left.
func (a *audience) wait() { a.gone.Wait() }

// census is the audience at one moment.
type census struct {
	present map[seat]int
	totals  map[seat]tally
	cut     map[[2]string]uint64
	refused uint64
}

func (a *audience) count() census {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := census{present: map[seat]int{}, totals: map[seat]tally{}, cut: map[[2]string]uint64{}, refused: a.refused}
	for s, t := range a.past {
		c.totals[s] = *t
		c.present[s] = 0
	}
	for v := range a.viewers {
		t := c.totals[v.seat]
		t.add(v.tally())
		c.totals[v.seat] = t
		c.present[v.seat]++
	}
	for k, n := range a.cut {
		c.cut[k] = n
	}
	return c
}

// watching returns how many viewers each camera has.
func (a *audience) watching() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := map[string]int{}
	for v := range a.viewers {
		n[v.camera]++
	}
	return n
}
