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
	timings                 []renditionTiming  // by number
	demanded                uint32             // a bit for each rendition, main's the lowest
	newestCount             uint64             // the count of the camera's newest picture
	mainRule                mainRule
	nextMain, nextHeartbeat int64
}

// mainRule says when rendition 0 is made.
type mainRule int

const (
	mainAlways   mainRule = iota // while it is wanted, and otherwise one picture in idleInterval
	mainOnDemand                 // while it is wanted
	mainNever                    // camd has these pictures
)

// renditionTiming is when a rendition is made.
type renditionTiming struct {
	period time.Duration // of the rendition; 0 means every picture, here and below
	demand time.Duration // as camd asks
	next   int64         // when the next one is due; 0 means at once: none was made since the rendition became wanted
}

// isDue reports whether the rendition is to be made of a picture.
func (r *renditionTiming) isDue(captured int64) bool {
	return advanceIfDue(&r.next, captured, max(r.period, r.demand))
}

func newScheduler(renditions wire.Renditions) *scheduler {
	d := &scheduler{}
	d.setRenditions(renditions)
	return d
}

// setRenditions replaces the renditions. Their demand stays, and those that have changed are made at once.
func (s *scheduler) setRenditions(to wire.Renditions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.definitions
	s.definitions = append([]camera.Rendition{{Quality: cmp.Or(to.Quality, defaultQuality)}}, to.List...)
	timings := make([]renditionTiming, len(s.definitions))
	for i, r := range s.definitions {
		if i < len(before) {
			timings[i] = s.timings[i]
		}
		if i == 0 || i < len(before) && before[i] == r {
			continue
		}
		timings[i].next, timings[i].period = 0, 0
		if r.FPS > 0 {
			timings[i].period = camera.FrameInterval(r.FPS)
		}
	}
	s.timings = timings
}

// rendition returns the definition of a rendition. ok is false if there is none with this number any more.
func (s *scheduler) rendition(number int) (r camera.Rendition, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number >= len(s.definitions) || number > 0 && s.definitions[number] == (camera.Rendition{}) {
		return camera.Rendition{}, false
	}
	return s.definitions[number], true
}

// setDemand starts or ends the demand for a rendition; starting it again requests a picture at once.
func (s *scheduler) setDemand(d wire.Demand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(d.Rendition) < len(s.timings) {
		t := &s.timings[d.Rendition]
		t.next, t.demand = 0, d.Period
	}
	if bit := uint32(1) << d.Rendition; d.Wanted {
		s.demanded |= bit
	} else {
		s.demanded &^= bit
	}
}

// setMainRule sets when rendition 0 is made. The default is mainAlways.
func (s *scheduler) setMainRule(to mainRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mainRule = to
}

// dueRenditions returns the renditions to make of the newest picture, one bit for each. Call it for every picture.
func (s *scheduler) dueRenditions(captured int64, count uint64) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newestCount = count
	wanted := uint32(0)
	for i := range s.timings {
		if s.demanded&(1<<i) != 0 && s.timings[i].isDue(captured) {
			wanted |= 1 << i
		}
	}
	switch s.mainRule {
	case mainAlways:
		if advanceIfDue(&s.nextMain, captured, idleInterval) {
			wanted |= 1
		}
	case mainNever:
		wanted &^= 1
	}
	return wanted
}

// skip says that the newest picture is made in no rendition, so that none is made late of the one before.
func (s *scheduler) skip(count uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newestCount = count
}

// lateRenditions returns the renditions beside 0 that became wanted after dueRenditions was called for this picture, one bit for each. It
// returns none if there is a newer picture. The next picture of a slow camera may come much later.
func (s *scheduler) lateRenditions(captured int64, count uint64) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := uint32(0)
	for i := range s.timings {
		if t := &s.timings[i]; i > 0 && count == s.newestCount && s.demanded&(1<<i) != 0 && t.next == 0 {
			t.isDue(captured)
			wanted |= 1 << i
		}
	}
	return wanted
}

// heartbeatDue reports whether a heartbeat is due for a picture that is not sent.
func (s *scheduler) heartbeatDue(captured int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return advanceIfDue(&s.nextHeartbeat, captured, heartbeatInterval)
}

// advanceIfDue reports whether the time *next has come. If so, it adds period to *next, so that a camera with one picture a
// second is not too early every other time. If *next was 0, or the sum has passed too, it sets *next to a period from now. With a period
// of 0 it is always due: the times of reordered pictures may go back.
func advanceIfDue(next *int64, now int64, period time.Duration) bool {
	if now < *next && period > 0 {
		return false
	}
	first := *next == 0
	if *next += int64(period); *next <= now || first {
		*next = now + int64(period)
	}
	return true
}
