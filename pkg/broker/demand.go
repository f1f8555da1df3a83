package broker

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// Periods of subscriptions that are not times.
const (
	One   time.Duration = math.MaxInt64 // the reader wants one frame, and closes the subscription when it has a frame that it can use
	Never time.Duration = -1            // the reader takes what is published, and is no reason to publish anything
)

// Demand is what the readers of a topic want from its publisher.
type Demand struct {
	// Wanted is true while a subscription is open, and for Options.Linger after it was closed. Subscriptions with period Never do not count.
	Wanted bool
	// Frames is true while new frames are wanted. It differs from Wanted in one case: the last readers wanted one frame each, and have it.
	// A reader that wants more than one frame also counts for Options.Linger after it has left.
	Frames bool
	// Period is how far apart frames may be: the shortest period of the readers, and 0 for every frame. Readers that left within
	// Options.Linger count, so a page reload changes nothing. An open reader that wants one frame counts as 0, because it wants that frame
	// soon. Period is valid while Frames is true.
	Period time.Duration
}

// demand tells a publisher what the readers of its topic want. It is safe for concurrent use.
type demand struct {
	mu      sync.Mutex
	linger  time.Duration
	current Demand
	changed chan struct{}

	readers  []periodReaders // open subscriptions, shortest period first; the periods differ
	open     int             // their number
	left     []leftReaders   // periods of readers that left, soonest end first; each period is longer than the one before
	timerSet bool            // expire will be called when the first of left ends
}

// periodReaders counts the open subscriptions of one period.
type periodReaders struct {
	period time.Duration
	count  int
}

// leftReaders stands for readers that left and had at least the period.
type leftReaders struct {
	period time.Duration
	until  time.Time // when they no longer count
}

func (d *demand) init(o Options) {
	d.linger, d.changed = o.Linger, o.Demand
	if d.changed == nil {
		d.changed = make(chan struct{}, 1)
	}
}

// Wanted reports whether the topic has an open subscription, or had one within the last Options.Linger.
func (d *demand) Wanted() bool { return d.Demand().Wanted }

// Demand returns what the topic's readers want now.
func (d *demand) Demand() Demand {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current
}

// DemandChanged returns a channel that receives a value when Demand changes. Several changes can be one value, so call Demand after each
// receive. The channel is for one receiver, the topic's publisher.
func (d *demand) DemandChanged() <-chan struct{} { return d.changed }

// Subscriptions returns how many subscriptions are open, without those with period Never.
func (d *demand) Subscriptions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

func (d *demand) openSubscription(s *Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add(s.period)
	d.update()
}

func (d *demand) closeSubscription(s *Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !s.closed {
		s.closed = true
		d.remove(s.period)
		d.update()
	}
}

func (d *demand) changePeriod(s *Subscription, period time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.closed || s.period == period {
		return
	}
	d.add(period) // before remove, which then does not take the topic for one without readers
	d.remove(s.period)
	s.period = period
	d.update()
}

// add counts a reader. The caller holds mu.
func (d *demand) add(period time.Duration) {
	if period < 0 {
		return
	}
	d.open++
	i, found := d.find(period)
	if !found {
		d.readers = slices.Insert(d.readers, i, periodReaders{period: period})
	}
	d.readers[i].count++
}

// remove subtracts a reader. It counts on during the linger, unless a reader with the same or a shorter period stays. The caller holds mu.
func (d *demand) remove(period time.Duration) {
	if period < 0 {
		return
	}
	d.open--
	i, _ := d.find(period)
	if d.readers[i].count--; d.readers[i].count == 0 {
		d.readers = slices.Delete(d.readers, i, i+1)
	}
	if d.linger > 0 && (d.open == 0 || d.readers[0].period > period) {
		d.startLinger(period)
	}
}

// find returns the place of a period in readers. Most topics have few different periods. With 10,000 different ones, an insertion and a
// deletion take 14 µs together.
func (d *demand) find(period time.Duration) (int, bool) {
	return slices.BinarySearchFunc(d.readers, period, func(r periodReaders, p time.Duration) int { return cmp.Compare(r.period, p) })
}

// startLinger records that a reader with the shortest period left. Earlier ones with the same or a longer period no longer matter, because
// they end sooner. The caller holds mu.
func (d *demand) startLinger(period time.Duration) {
	n := len(d.left)
	for n > 0 && d.left[n-1].period >= period {
		n--
	}
	d.left = append(d.left[:n], leftReaders{period, time.Now().Add(d.linger)})
	if !d.timerSet {
		d.timerSet = true
		time.AfterFunc(d.linger, d.expire)
	}
}

// expire forgets the readers whose linger is over. One timer at a time calls it. It may come before the first end, because left may have
// changed since the timer was set.
func (d *demand) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for len(d.left) > 0 && !now.Before(d.left[0].until) {
		d.left = slices.Delete(d.left, 0, 1)
	}
	if d.timerSet = len(d.left) > 0; d.timerSet {
		time.AfterFunc(d.left[0].until.Sub(now), d.expire)
	}
	d.update()
}

// update computes the demand and notifies the publisher if it has changed. The caller holds mu.
func (d *demand) update() {
	shortest := One
	if len(d.left) > 0 {
		shortest = d.left[0].period
	}
	now := Demand{Wanted: d.open > 0 || len(d.left) > 0, Frames: d.open > 0 || shortest != One}
	switch {
	case d.open > 0 && d.readers[len(d.readers)-1].period == One:
		now.Period = 0
	case d.open > 0:
		now.Period = min(shortest, d.readers[0].period)
	case now.Frames:
		now.Period = shortest
	}
	if now != d.current {
		d.current = now
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}
