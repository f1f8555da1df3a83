package broker

import (
	"sync"
	"time"
)

// demand tells a publisher whether anybody reads its topic.
type demand struct {
	mu      sync.Mutex
	linger  time.Duration
	readers int
	wanted  bool
	timer   *time.Timer // of the last linger begun
	changed chan struct{}
}

func (d *demand) init(o Options) {
	d.linger, d.changed = o.Linger, o.Demand
	if d.changed == nil {
		d.changed = make(chan struct{}, 1)
	}
}

// Wanted reports whether the topic has subscriptions, or had one within the last Linger.
func (d *demand) Wanted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted
}

// Demand returns a channel that receives when Wanted has changed since the last receive. Changes coalesce, so read
// Wanted after each. It is for one receiver: the topic's publisher.
func (d *demand) Demand() <-chan struct{} { return d.changed }

// Subscriptions returns how many subscriptions are open.
func (d *demand) Subscriptions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readers
}

func (d *demand) add() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers++
	d.update()
}

func (d *demand) remove() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers--
	if d.readers > 0 {
		return
	}
	if d.linger == 0 {
		d.update()
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(d.linger, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		// Another timer: readers came and left since, and a new linger began.
		if d.timer == timer {
			d.update()
		}
	})
	d.timer = timer
}

// update compares what is wanted with what was last reported. A reader that came back while the timer ran makes the
// timer's call find nothing changed.
func (d *demand) update() {
	if now := d.readers > 0; now != d.wanted {
		d.wanted = now
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}
