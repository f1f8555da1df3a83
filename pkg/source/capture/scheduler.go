package capture

import (
	"cmp"
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Without demand, one picture in idleInterval is sent, and a heartbeat in heartbeatInterval.
const (
	idleInterval      = time.Second
	heartbeatInterval = 200 * time.Millisecond
)

// scheduler decides which pictures are sent, and in which renditions, with demand and without. Times are of CLOCK_MONOTONIC. It
// is safe for concurrent use.
type scheduler struct {
	mu                      sync.Mutex
	definitions             []camera.Rendition // number 0 is the pictures as they come
	timings                 []renditionTiming  // from number 1 on
	demanded                uint32             // a bit for each rendition, main's the lowest
	newestCount             uint64             // the count of the camera's newest picture
	nextMain, nextHeartbeat int64
}

// renditionTiming is a rendition's. next is 0 until the rendition is wanted and was made once.
type renditionTiming struct {
	period time.Duration // 0: every picture
	next   int64
}

func newScheduler(renditions wire.Renditions) *scheduler {
	d := &scheduler{}
	d.setRenditions(renditions)
	return d
}

// setRenditions replaces the renditions. Their demand stays, and those that have changed are made at once.
func (d *scheduler) setRenditions(to wire.Renditions) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.definitions
	d.definitions = append([]camera.Rendition{{Quality: cmp.Or(to.Quality, defaultQuality)}}, to.List...)
	timings := make([]renditionTiming, len(to.List))
	for i, r := range to.List {
		if i+1 < len(before) && before[i+1] == r {
			timings[i] = d.timings[i]
		} else if r.FPS > 0 {
			timings[i].period = frameInterval(r.FPS)
		}
	}
	d.timings = timings
}

// rendition says how to make one; ok is false where there is none any more.
func (d *scheduler) rendition(number int) (r camera.Rendition, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if number >= len(d.definitions) || number > 0 && d.definitions[number] == (camera.Rendition{}) {
		return camera.Rendition{}, false
	}
	return d.definitions[number], true
}

// setDemand starts or ends the demand for a rendition; starting it again requests a picture at once.
func (d *scheduler) setDemand(rendition uint8, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := int(rendition) - 1; i >= 0 && i < len(d.timings) {
		d.timings[i].next = 0
	}
	if bit := uint32(1) << rendition; on {
		d.demanded |= bit
	} else {
		d.demanded &^= bit
	}
}

// dueRenditions takes the newest picture and returns the renditions to make of it, a bit for each. It is called for each picture, so
// that the first one after demand has come is sent.
func (d *scheduler) dueRenditions(captured int64, count uint64) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.newestCount = count
	wanted := d.demanded & 1
	if advanceIfDue(&d.nextMain, captured, idleInterval) {
		wanted = 1
	}
	for i := range d.timings {
		if p := &d.timings[i]; d.demanded&(2<<i) != 0 && advanceIfDue(&p.next, captured, p.period) {
			wanted |= 2 << i
		}
	}
	return wanted
}

// lateRenditions returns the renditions that have become wanted since a picture was made of others, if there is no newer one: a slow
// camera's next may be long in coming.
func (d *scheduler) lateRenditions(captured int64, count uint64) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := uint32(0)
	for i := range d.timings {
		if p := &d.timings[i]; count == d.newestCount && d.demanded&(2<<i) != 0 && p.next == 0 {
			advanceIfDue(&p.next, captured, p.period)
			wanted |= 2 << i
		}
	}
	return wanted
}

// heartbeatDue reports whether to send a heartbeat for a picture that is not sent.
func (d *scheduler) heartbeatDue(captured int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return advanceIfDue(&d.nextHeartbeat, captured, heartbeatInterval)
}

// advanceIfDue reports whether the time *next has come, and if so sets the next one: counted from the last one, so that a
// camera of one picture a second is not found early every other time, or from now where there was none or that has passed
// too.
func advanceIfDue(next *int64, now int64, period time.Duration) bool {
	if now < *next {
		return false
	}
	first := *next == 0
	if *next += int64(period); *next <= now || first {
		*next = now + int64(period)
	}
	return true
}
