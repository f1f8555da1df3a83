package bus

import (
	"time"

	"go.uber.org/zap"
)

// admits decides whether what another camd says under this site's name is read. If not, it returns the reason.
func (f *offers) admits(box string, size int, now time.Time) (known bool, refused string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var of *publisher
	if r := f.rivals[box]; r != nil {
		of = r.publisher
	}
	if !f.claims.allows(of, size, now) {
		return false, TooFast
	}
	return of != nil, ""
}

// hear takes note of what another camd says under the same site's name. Two boxes may share a site, but no camera: of two
// that have one, the one that has had it for longer keeps it.
func (f *offers) hear(w word, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.rivals[w.Box]
	switch {
	case w.Gone:
		delete(f.rivals, w.Box)
		f.contend()
		return
	case r == nil && len(f.rivals) >= mostBoxes && !f.makeRoom(now):
		f.refuse(TooManyBoxes)
		return
	case r == nil:
		r = &rival{publisher: f.claims.admit(now)}
		f.rivals[w.Box] = r
		f.question = true // it is to know what there is here
	}
	r.heard = now
	if !w.Whole {
		if w.Revision != r.revision || r.since == nil {
			f.askAgain()
		}
		return
	}
	believed := r.since == nil && r.first.Sub(f.listens) <= expiry
	before, unproven := r.since, false
	r.revision, r.since = w.Revision, map[string]time.Time{}
	for _, c := range w.Cameras {
		since, proven := heldSince(c, before, believed, now)
		r.since[c.ID] = since
		unproven = unproven || !proven && f.cameras[c.ID] != nil
	}
	if unproven {
		f.refuse(UnprovenClaim)
	}
	f.contend()
	f.settle()
}

// makeRoom forgets a rival that is silent, the one that was heard for the shortest time, and reports whether there was one.
func (f *offers) makeRoom(now time.Time) bool {
	briefest := ""
	for box, r := range f.rivals {
		if r.silent(now) && (briefest == "" || r.known() < f.rivals[briefest].known()) {
			briefest = box
		}
	}
	delete(f.rivals, briefest)
	return briefest != ""
}

func (r *rival) silent(now time.Time) bool { return now.Sub(r.heard) > expiry }

// known is how long it was heard.
func (r *rival) known() time.Duration { return r.heard.Sub(r.first) }

func (f *offers) askAgain() {
	if conn, _ := f.link.ready(); conn != nil {
		_ = conn.Publish(f.subjects.ask(f.site), nil) // its next beat is another chance
	}
}

// close to each other, two claims are as old as each other, and the names of the boxes decide.
const tie = time.Second

// contend decides of each camera whether it is this box's.
func (f *offers) contend() {
	now := time.Now()
	for box, r := range f.rivals {
		if now.Sub(r.heard) > remember(r.known()) {
			delete(f.rivals, box)
		}
	}
	for id, o := range f.cameras {
		held := ""
		for box, r := range f.rivals {
			if since, has := r.since[id]; has && !r.silent(now) && older(since, box, o.since, f.box) {
				held = box
			}
		}
		f.hold(id, o, held)
	}
}

func older(a time.Time, boxA string, b time.Time, boxB string) bool {
	if d := a.Sub(b); d > tie || d < -tie {
		return d < 0
	}
	return boxA < boxB
}

// hold makes a camera another box's, or this one's if box is empty.
func (f *offers) hold(id string, o *offer, box string) {
	if (o.held == "") == (box == "") {
		o.held = box
		return
	}
	o.held = box
	if box == "" {
		f.log.Info("camera offered", zap.String("camera", id))
		return
	}
	o.stop()
	f.log.Error("camera not offered: the site has another one of this name", zap.String("camera", id), zap.String("site", f.site),
		zap.String("box", box), zap.String("remedy", "give one of them another id, or one of the boxes another site"))
}

// duplicates lists the cameras that another box has.
func (f *offers) duplicates() (list []string) {
	for _, id := range f.order {
		if f.cameras[id].held != "" {
			list = append(list, id)
		}
	}
	return list
}
