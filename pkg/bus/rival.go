package bus

import (
	"time"

	"go.uber.org/zap"
)

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
	case r == nil && len(f.rivals) >= mostBoxes:
		f.refuse(TooMany)
		return
	case r == nil:
		r = &rival{}
		f.rivals[w.Box] = r
		f.tell = true // it is to know what there is here
	}
	r.heard = now
	if !w.Whole {
		if w.Revision != r.revision || r.since == nil {
			f.askAgain()
		}
		return
	}
	r.revision, r.since = w.Revision, map[string]time.Time{}
	for _, c := range w.Cameras {
		// For how long, not since when: the clocks of two boxes need not agree.
		r.since[c.ID] = now.Add(-time.Duration(c.Held * float64(time.Second)))
	}
	f.contend()
	f.settle()
}

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
		if now.Sub(r.heard) > expiry {
			delete(f.rivals, box)
		}
	}
	for id, o := range f.cameras {
		held := ""
		for box, r := range f.rivals {
			if since, has := r.since[id]; has && older(since, box, o.since, f.box) {
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
