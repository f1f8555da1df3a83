package bus

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/camera"
)

// look tells of what has changed, or that nothing has, and notices what has expired. It is called every glance.
func (f *offers) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	// A write that hangs holds up what is heard, too: that time is nobody's silence.
	if held := time.Since(f.looked); !f.looked.IsZero() && held > 2*glance {
		for _, w := range f.wishes {
			w.until = w.until.Add(held)
		}
	}
	defer func(begun time.Time) { f.looked = begun }(time.Now())
	f.contend()
	f.settle()
	cameras := f.list()
	if changed(f.last, cameras) {
		f.revision++
		f.last, f.tell = cameras, true
	}
	if f.question && time.Since(f.answered) >= answerEvery {
		f.tell = true
	}
	if f.tell || time.Since(f.toldAt) >= beat {
		f.say(f.tell, cameras)
	}
}

// say publishes a word.
func (f *offers) say(whole bool, cameras []told) {
	w := word{Version: version, Box: f.box, Host: f.host, Camd: f.camd, Now: time.Now(), Revision: f.revision, Whole: whole}
	if whole {
		w.Cameras = cameras
	}
	switch err := f.link.say(f.subjects.site(f.site), w); {
	case err == nil:
		f.toldAt, f.tell = time.Now(), false
		if whole {
			f.answered, f.question = f.toldAt, false
		}
		if f.large != nil {
			f.link.relieve(f.large)
			f.large = nil
		}
	case errors.Is(err, nats.ErrMaxPayload):
		f.large = fmt.Errorf("the list of %d cameras is larger than max_payload of the server: %w", len(cameras), err)
		f.link.trouble(f.large)
	}
}

// list is what there is to tell of the cameras that this box has.
func (f *offers) list() []told {
	list := make([]told, 0, len(f.order))
	for _, id := range f.order {
		if o := f.cameras[id]; o.held == "" {
			list = append(list, o.told(id))
		}
	}
	return list
}

func (o *offer) told(id string) told {
	s := o.source.Status()
	t := told{
		// Without s.Detail, which may have addresses and user names of this site: others can read the bus, and relays show what it says.
		ID: id, Title: s.Title, State: s.State, Reason: s.Reason, Since: s.Since, Retry: s.Retry,
		Held: time.Since(o.since).Seconds(), FPS: math.Round(s.Counts.FPS*10) / 10, Codec: s.Format.Codec,
		Width: s.Format.Width, Height: s.Format.Height, Declared: s.Format.FPS,
	}
	for _, r := range o.source.Renditions() {
		all := toldRendition{Name: r}
		if at := slices.IndexFunc(s.Renditions, func(c camera.Rendition) bool { return c.Name == r }); at >= 0 {
			all.Width, all.FPS, all.Quality = s.Renditions[at].Width, s.Renditions[at].FPS, s.Renditions[at].Quality
		}
		t.Renditions = append(t.Renditions, all)
	}
	return t
}

// changed reports whether there is news: a rate that is a little different is none.
func changed(before, now []told) bool {
	return !slices.EqualFunc(before, now, func(a, b told) bool {
		if math.Abs(a.FPS-b.FPS) > max(1, 0.2*a.FPS) {
			return false
		}
		return a.ID == b.ID && a.Title == b.Title && a.State == b.State && a.Reason == b.Reason && a.Detail == b.Detail &&
			a.Since.Equal(b.Since) && a.Retry.Equal(b.Retry) && a.Codec == b.Codec && a.Width == b.Width && a.Height == b.Height &&
			a.Declared == b.Declared && slices.Equal(a.Renditions, b.Renditions)
	})
}

// answerEvery is how long a site that is asked for all of its cameras waits before it answers the next time.
const answerEvery = time.Second

// asked makes one of the next looks tell of everything: many who ask at once get one answer.
func (f *offers) asked(*nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.question = true
}
