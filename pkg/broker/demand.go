package broker

import (
	"math"
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
	// Wanted is true while a subscription is open, and for Options.Linger after the last one was closed.
	Wanted bool
	// Frames is true while new frames are wanted. It differs from Wanted in one case: the last readers wanted one frame each, and have it.
	Frames bool
	// Period is how far apart frames may be: the shortest period of the readers, and 0 for every frame. A reader that wants one frame
	// counts as 0, because it wants that frame soon. Period is valid while Frames is true.
	Period time.Duration
}

// demand tells a publisher what the readers of its topic want. It is safe for concurrent use.
type demand struct {
	mu      sync.Mutex
	linger  time.Duration
	readers map[time.Duration]int // open subscriptions by period
	current Demand
	changed chan struct{}

	wantedUntil  time.Time     // the end of the linger of the last reader
	framesUntil  time.Time     // the same for the last reader that wanted more than one frame
	framesPeriod time.Duration // its period
}

func (d *demand) init(o Options) {
	d.linger, d.changed, d.readers = o.Linger, o.Demand, map[time.Duration]int{}
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

// Subscriptions returns how many subscriptions are open.
func (d *demand) Subscriptions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count()
}

// count returns how many subscriptions are open. The caller holds mu.
func (d *demand) count() (n int) {
	for _, readers := range d.readers {
		n += readers
	}
	return n
}

func (d *demand) add(period time.Duration) {
	if period == Never {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers[period]++
	d.update()
}

func (d *demand) remove(period time.Duration) {
	if period == Never {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(period)
	if len(d.readers) == 0 && d.linger > 0 {
		d.wantedUntil = time.Now().Add(d.linger)
		if period != One {
			d.framesUntil, d.framesPeriod = d.wantedUntil, period
		}
		time.AfterFunc(d.linger, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.update()
		})
	}
	d.update()
}

// change moves a subscription from one period to another.
func (d *demand) change(from, to time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(from)
	d.readers[to]++
	d.update()
}

// forget subtracts a subscription. The caller holds mu.
func (d *demand) forget(period time.Duration) {
	if d.readers[period]--; d.readers[period] <= 0 {
		delete(d.readers, period)
	}
}

// update computes the demand and notifies the publisher if it has changed. If a reader came back during the linger, the call at its end
// changes nothing. The caller holds mu.
func (d *demand) update() {
	at := time.Now()
	lingers, wantsFrames := at.Before(d.wantedUntil), at.Before(d.framesUntil)
	now := Demand{Wanted: len(d.readers) > 0 || lingers, Frames: len(d.readers) > 0 || wantsFrames}
	if now.Frames {
		now.Period = One
		for period := range d.readers {
			if period == One {
				period = 0
			}
			now.Period = min(now.Period, period)
		}
		if wantsFrames {
			now.Period = min(now.Period, d.framesPeriod)
		}
	}
	if now != d.current {
		d.current = now
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}
