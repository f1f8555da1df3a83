package capture

import (
	"cmp"
	"sync"
	"time"

	"camd/pkg/source/wire"
)

// Without demand, one picture in keepWarm is sent, and one in heartbeat mentioned.
const (
	keepWarm  = time.Second
	heartbeat = 200 * time.Millisecond
)

// due keeps the appointments of a source that nobody watches, and those of its renditions. Times are of CLOCK_MONOTONIC. It
// is safe for concurrent use.
type due struct {
	mu                    sync.Mutex
	made                  []wire.Rendition // number 0 is the pictures as they come
	renditions            []pace           // from number 1 on
	asked                 uint32           // a bit for each rendition, main's the lowest
	newest                uint64           // the count of the camera's newest picture
	nextPicture, nextBeat int64
}

// pace is a rendition's. Its next appointment is 0 until it is wanted and has had one.
type pace struct {
	period time.Duration // 0: every picture
	next   int64
}

func newDue(renditions wire.Renditions) *due {
	d := &due{}
	d.change(renditions)
	return d
}

// change makes the renditions those given. What was wanted of them still is, and those that have changed are made at once.
func (d *due) change(to wire.Renditions) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.made
	d.made = append([]wire.Rendition{{Quality: cmp.Or(to.Quality, defaultQuality)}}, to.List...)
	paces := make([]pace, len(to.List))
	for i, r := range to.List {
		if i+1 < len(before) && before[i+1] == r {
			paces[i] = d.renditions[i]
		} else if r.FPS > 0 {
			paces[i].period = interval(r.FPS)
		}
	}
	d.renditions = paces
}

// rendition says how to make one; ok is false where there is none any more.
func (d *due) rendition(number int) (r wire.Rendition, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if number >= len(d.made) || number > 0 && d.made[number] == (wire.Rendition{}) {
		return wire.Rendition{}, false
	}
	return d.made[number], true
}

// turn begins or ends a rendition; to begin one again is to ask for a picture at once.
func (d *due) turn(rendition uint8, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := int(rendition) - 1; i >= 0 && i < len(d.renditions) {
		d.renditions[i].next = 0
	}
	if bit := uint32(1) << rendition; on {
		d.asked |= bit
	} else {
		d.asked &^= bit
	}
}

// wanted takes the newest picture and returns the renditions to make of it, a bit for each. It is asked at each picture, so
// that the first one after demand has come is sent.
func (d *due) wanted(captured int64, count uint64) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.newest = count
	wanted := d.asked & 1
	if meet(&d.nextPicture, captured, keepWarm) {
		wanted = 1
	}
	for i := range d.renditions {
		if p := &d.renditions[i]; d.asked&(2<<i) != 0 && meet(&p.next, captured, p.period) {
			wanted |= 2 << i
		}
	}
	return wanted
}

// belated returns the renditions that have become wanted since a picture was made of others, if there is no newer one: a slow
// camera's next may be long in coming.
func (d *due) belated(captured int64, count uint64) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := uint32(0)
	for i := range d.renditions {
		if p := &d.renditions[i]; count == d.newest && d.asked&(2<<i) != 0 && p.next == 0 {
			meet(&p.next, captured, p.period)
			wanted |= 2 << i
		}
	}
	return wanted
}

// beat reports whether to mention a picture that is not made.
func (d *due) beat(captured int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return meet(&d.nextBeat, captured, heartbeat)
}

// meet reports whether the appointment at *next has come, and makes the next one: from the last one on, so that a
// camera of one picture a second is not found early every other time, or from now where there was none or that has passed
// too.
func meet(next *int64, now int64, period time.Duration) bool {
	if now < *next {
		return false
	}
	first := *next == 0
	if *next += int64(period); *next <= now || first {
		*next = now + int64(period)
	}
	return true
}
