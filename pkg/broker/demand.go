package broker

import (
	"sync"
	"time"
)

// demand tells a publisher whether anybody reads its topic. It is safe for concurrent use.
type demand struct {
	mu      sync.Mutex
	linger  time.Duration
	readers int
	wanted  bool
	timer   *time.Timer // of the newest linger
	changed chan struct{}
}

func (d *demand) init(o Options) {
	d.linger, d.changed = o.Linger, o.Demand
	if d.changed == nil {
		d.changed = make(chan struct{}, 1)
	}
}

// Wanted reports whether the topic has an open subscription, or had one within the last Options.Linger.
func (d *demand) Wanted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted
}

// Demand returns a channel that receives a value when Wanted changes. Several changes can be one value, so call Wanted after each
// receive. The channel is for one receiver, the topic's publisher.
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
		// If it is another timer, readers came and left in the meantime, and a new linger has begun.
		if d.timer == timer {
			d.update()
		}
	})
	d.timer = timer
}

// update sets wanted and notifies the publisher if it has changed. If a reader came back during the linger, the timer's call changes
// nothing. The caller holds mu.
func (d *demand) update() {
	if now := d.readers > 0; now != d.wanted {
		d.wanted = now
		select {
		case d.changed <- struct{}{}:
		default:
		}
	}
}
