package capture

import (
	"cmp"
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// Rates without demand: one picture every idleInterval is sent, and a heartbeat every heartbeatInterval.
const (
	idleInterval      = time.Second
	heartbeatInterval = 200 * time.Millisecond
)

// scheduler decides which pictures are sent, and in which renditions. Times are of CLOCK_MONOTONIC in nanoseconds. It is safe for
// concurrent use.
type scheduler struct {
	mu                      sync.Mutex
	definitions             []camera.Rendition // number 0 is the pictures as they come
	timings                 []renditionTiming  // from number 1 on
	demanded                uint32             // a bit for each rendition, main's the lowest
	newestCount             uint64             // the count of the camera's newest picture
	nextMain, nextHeartbeat int64
}

// renditionTiming is when a rendition is made.
type renditionTiming struct {
	period time.Duration // 0 means every picture
	next   int64         // when the next one is due; 0 means at once: none was made since the rendition became wanted
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

// rendition returns the definition of a rendition. ok is false if there is none with this number any more.
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

// dueRenditions returns the renditions to make of the newest picture, one bit for each. Call it for every picture.
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

// lateRenditions returns the renditions that became wanted after dueRenditions was called for this picture, one bit for each. It
// returns none if there is a newer picture. The next picture of a slow camera may come much later.
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

// heartbeatDue reports whether a heartbeat is due for a picture that is not sent.
func (d *scheduler) heartbeatDue(captured int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return advanceIfDue(&d.nextHeartbeat, captured, heartbeatInterval)
}

// advanceIfDue reports whether the time *next has come. If so, it adds period to *next, so that a camera with one picture a
// second is not too early every other time. If *next was 0, or the sum has passed too, it sets *next to a period from now.
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
