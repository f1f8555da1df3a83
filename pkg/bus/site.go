package bus

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// remember is how long a box is remembered that is silent and has no successor: as long as it was heard, within bounds.
func remember(heard time.Duration) time.Duration {
	return min(max(heard, 10*time.Minute), 24*time.Hour)
}

// site is what a relay knows of one. It belongs to whoever has the relay's lock.
type site struct {
	name      string
	relay     *relay
	first     time.Time // when it was first heard
	heard     time.Time // when it was last heard
	lived     bool      // at the last look
	intake    quota     // of boxes that are not known
	boxes     map[string]*box
	announced int // cameras of all boxes
	cameras   map[string]*Camera
	order     []string // of cameras, as their boxes have them
	asked     time.Time
	wished    time.Time
	watching  bool // the last wish was for something
}

// box is one camd at a site.
type box struct {
	*publisher
	id, host string
	heard    time.Time
	gone     bool // by its own word
	lived    bool // at the last look
	revision uint64
	whole    bool // cameras is what it has, as of revision
	partial  bool // there was no room for all of them
	cameras  []told
	since    map[string]time.Time // from when on it has had each camera
	clock    clock
}

// hear takes a box's word. known is false if it is the first of it; ask is true if there is more to know.
func (s *site) hear(w word, now time.Time) (known, ask bool) {
	b, known := s.boxes[w.Box]
	if !known {
		if w.Gone {
			return true, false
		}
		if len(s.boxes) >= mostBoxes && !s.makeRoom(now) {
			s.relay.refuse(TooManyBoxes)
			return true, false
		}
		b = &box{publisher: s.relay.intake.admit(now), id: w.Box, host: w.Host}
		s.boxes[w.Box] = b
	}
	b.heard, b.gone = now, w.Gone
	b.clock.hear(w.Now, now)
	if w.Whole {
		s.take(b, w, now)
	}
	return known, !w.Gone && (!b.whole || b.revision != w.Revision || b.partial && s.hasRoom())
}

// hasRoom reports whether another camera fits.
func (s *site) hasRoom() bool {
	return s.announced < mostOfSite && s.relay.cameras < s.relay.siteLimits.Cameras
}

// take makes a box's cameras what it says, as far as there is room.
func (s *site) take(b *box, w word, now time.Time) {
	cameras := s.relay.fit(s, b, w.Cameras, now)
	if b.partial = len(cameras) < len(w.Cameras); b.partial {
		s.relay.refuse(TooManyCameras)
	}
	believed := !b.whole && b.first.Sub(s.first) <= expiry
	before := b.since
	s.relay.count(s, b, len(cameras))
	b.revision, b.whole, b.cameras, b.since = w.Revision, true, cameras, make(map[string]time.Time, len(cameras))
	unproven := false
	for _, c := range cameras {
		since, proven := heldSince(c, before, believed, now)
		b.since[c.ID] = since
		unproven = unproven || !proven && s.isOthers(c.ID, b, now)
	}
	if unproven {
		s.relay.refuse(UnprovenClaim)
	}
	s.arrange(now)
}

// isOthers reports whether another box, which is heard, has a camera.
func (s *site) isOthers(id string, b *box, now time.Time) bool {
	c := s.cameras[id]
	if c == nil || c.box == b.id {
		return false
	}
	owner := s.boxes[c.box]
	return owner != nil && s.living(owner, now)
}

// heldSince is since when a box has had a camera. before are its cameras as they were; believed says whether its word is enough
// for the time before it was heard. Otherwise somebody who has just come would have had any camera for longest. It is not
// proven if the box says of a camera that is new here that it has had it for long.
func heldSince(c told, before map[string]time.Time, believed bool, now time.Time) (since time.Time, proven bool) {
	// For how long, not since when: the clocks of two boxes need not agree.
	since = now.Add(-time.Duration(c.Held * float64(time.Second)))
	known, has := before[c.ID]
	switch {
	case has && since.Before(known):
		return known, true
	case has, believed:
		return since, true
	}
	return now, now.Sub(since) <= expiry
}

// makeRoom forgets a box that is silent, the one that was heard for the shortest time, and reports whether there was one: a
// camd in a container has another host's name at each start, and so no successor.
func (s *site) makeRoom(now time.Time) bool {
	var briefest *box
	for _, b := range s.boxes {
		if !s.living(b, now) && (briefest == nil || b.heard.Sub(b.first) < briefest.heard.Sub(briefest.first)) {
			briefest = b
		}
	}
	if briefest == nil {
		return false
	}
	s.forget(briefest)
	s.arrange(now)
	return true
}

func (s *site) forget(b *box) {
	delete(s.boxes, b.id)
	s.relay.count(s, b, 0)
}

// living reports whether a box spoke lately. One that has a successor at its host is given less time.
func (s *site) living(b *box, now time.Time) bool {
	silence := now.Sub(b.heard)
	if b.gone || silence > expiry {
		return false
	}
	return silence <= beat+beat/4 || !s.succeeded(b)
}

// succeeded reports whether another box speaks in b's place: camd was started anew.
func (s *site) succeeded(b *box) bool {
	for _, o := range s.boxes {
		if o != b && o.host == b.host && o.host != "" && o.whole && !o.gone && o.heard.After(b.heard) {
			return true
		}
	}
	return false
}

func (s *site) alive(now time.Time) bool {
	for _, b := range s.boxes {
		if s.living(b, now) {
			return true
		}
	}
	return false
}

// look forgets boxes that are not coming back, and arranges cameras anew when one has fallen silent or speaks again.
func (s *site) look(now time.Time) {
	turned := false
	for _, b := range s.boxes {
		living := s.living(b, now)
		turned = turned || living != b.lived
		b.lived = living
		if !living && (s.succeeded(b) || now.Sub(b.heard) > remember(b.heard.Sub(b.first))) {
			s.forget(b)
			turned = true // what it alone had ends with it
		}
	}
	if turned {
		s.arrange(now)
	}
	if alive := s.alive(now); alive != s.lived {
		s.lived = alive
		s.log(alive)
	}
}

// log says that the site is heard, or is not heard any more. Sites are many: the log has no more of their cameras' states than of
// those that are watched here.
func (s *site) log(alive bool) {
	if alive {
		s.relay.log.Info("site heard", zap.String("site", s.name), zap.Int("cameras", len(s.cameras)))
		return
	}
	s.relay.log.Warn("site silent", zap.String("site", s.name), zap.Int("cameras", len(s.cameras)), zap.Time("heard", s.heard))
}

// arrange finds for each camera the box that has it: a living one before one that is not, and the one that has had it for
// longest. Cameras that no box has any more end.
func (s *site) arrange(now time.Time) {
	type claim struct {
		box  *box
		told told
	}
	have := map[string]claim{}
	var order []string
	for _, b := range s.sorted() {
		for _, t := range b.cameras {
			other, has := have[t.ID]
			if !has {
				order = append(order, t.ID)
			}
			if !has || s.before(b, other.box, t.ID, now) {
				have[t.ID] = claim{b, t}
			}
		}
	}
	for id, c := range s.cameras {
		if _, has := have[id]; !has {
			c.end()
			delete(s.cameras, id)
			s.relay.news = true
		}
	}
	for _, id := range order {
		c := s.cameras[id]
		if c == nil {
			c = newCamera(s, id)
			s.cameras[id] = c
			s.relay.news = true
		}
		if c.learn(have[id].told, have[id].box) {
			s.relay.news = true
		}
	}
	if !slices.Equal(order, s.order) {
		s.order, s.relay.news = order, true
	}
}

// sorted returns the boxes in an order that stays.
func (s *site) sorted() []*box {
	list := make([]*box, 0, len(s.boxes))
	for _, b := range s.boxes {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *box) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return list
}

// before reports whether a rather than b has a camera.
func (s *site) before(a, b *box, id string, now time.Time) bool {
	livingA, livingB := s.living(a, now), s.living(b, now)
	switch {
	case livingA != livingB:
		return livingA
	case !livingA:
		return a.heard.After(b.heard)
	}
	return older(a.since[id], a.id, b.since[id], b.id)
}

// silent returns why a camera's box cannot be asked; empty if it can be.
func (s *site) silent(c *Camera, now time.Time) string {
	b := s.boxes[c.box]
	switch {
	case b == nil || s.living(b, now):
		return ""
	case b.gone:
		return "camd at site " + s.name + " has ended"
	}
	return "nothing heard from site " + s.name + " since " + b.heard.Format("15:04:05, 2 January")
}

// needy reports whether viewers wait for a picture of the site.
func (s *site) needy() bool {
	for _, c := range s.cameras {
		if len(c.needs()) > 0 {
			return true
		}
	}
	return false
}

// wish tells the site what is watched here, or for once that nothing is.
func (s *site) wish(now time.Time) {
	w := wish{Watch: map[string][]string{}, Fresh: map[string][]string{}}
	for id, c := range s.cameras {
		if watched := c.watched(); len(watched) > 0 {
			w.Watch[id] = watched
		}
		if needs := c.needs(); len(needs) > 0 {
			w.Fresh[id] = needs
		}
	}
	if len(w.Watch) > 0 || s.watching {
		s.relay.send(s, w)
	}
	s.watching, s.wished = len(w.Watch) > 0, now
}
