package bus

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// wanting is what one relay's viewers watch here.
type wanting struct {
	until time.Time
	watch map[string][]string
}

// wish takes note of what a relay's viewers watch.
func (f *offers) wish(m *nats.Msg) {
	w, err := readWish(m.Data)
	if err != nil {
		f.refuse(NotUnderstood)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return
	}
	if f.wishes[w.Relay] == nil && len(f.wishes) >= mostRelays {
		f.refuse(TooMany)
		return
	}
	if len(w.Watch) == 0 {
		delete(f.wishes, w.Relay)
		return
	}
	own := f.own(w.Watch)
	f.wishes[w.Relay] = &wanting{time.Now().Add(expiry), own}
	// What nobody wants any more ends with the next look, which asks all relays; here a thousand of them cost each its own.
	for id, renditions := range own {
		for _, r := range renditions {
			f.serve(key{id, r}, slices.Contains(w.Fresh[id], r))
		}
	}
}

// own leaves of a wish what is of this box.
func (f *offers) own(watch map[string][]string) map[string][]string {
	own := map[string][]string{}
	for id, renditions := range watch {
		if f.cameras[id] != nil {
			own[id] = slices.DeleteFunc(renditions[:min(len(renditions), mostRenditions)], func(r string) bool { return !name.MatchString(r) })
		}
	}
	return own
}

// deafness is how long without a connection wishes hold that cannot be said again meanwhile: whoever watches there still does,
// and counts what passes. Cameras that are opened on demand are not kept open for longer than that.
const deafness = 30 * time.Second

// renew gives relays that were heard before a connection was lost the time to be heard on the next.
func (f *offers) renew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.wishes {
		w.until = time.Now().Add(expiry)
	}
}

// settle makes what is sent what is wanted.
func (f *offers) settle() {
	down := f.link.down()
	deaf := down > 0 && down < deafness
	wanted := map[key]bool{}
	for relay, w := range f.wishes {
		if time.Now().After(w.until) && !deaf {
			delete(f.wishes, relay)
			continue
		}
		for id, renditions := range w.watch {
			for _, r := range renditions {
				wanted[key{id, r}] = true
			}
		}
	}
	for id, o := range f.cameras {
		for r, out := range o.outlets {
			if topic, ok := o.source.Topic(r); !wanted[key{id, r}] || !ok || topic != out.topic {
				out.stop()
			}
			if out.over() {
				delete(o.outlets, r)
			}
		}
	}
	for k := range wanted {
		f.serve(k, false)
	}
}

// serve sends a rendition, if this box has such a one, and once more what was sent of it if somebody has no picture yet.
func (f *offers) serve(k key, fresh bool) {
	o := f.cameras[k.camera]
	if o == nil || o.held != "" {
		return
	}
	// One that is ending is in the way until the next look; two would send a frame twice.
	if out := o.outlets[k.rendition]; out != nil && !out.over() {
		if fresh {
			out.repeat()
		}
		return
	}
	// Also a rendition's other names, or whatever else a source answers to, would be streams of their own here.
	if !slices.Contains(o.source.Renditions(), k.rendition) {
		return
	}
	topic, ok := o.source.Topic(k.rendition)
	if !ok || ended(topic) {
		return
	}
	o.outlets[k.rendition] = f.open(o, k, topic)
}

func ended(t *broker.Topic) bool {
	select {
	case <-t.Ended():
		return true
	default:
		return false
	}
}

func (f *offers) open(o *offer, k key, topic *broker.Topic) *outlet {
	if f.counts[k] == nil {
		f.counts[k] = newSent()
	}
	if o.numbers[topic] == 0 {
		maps.DeleteFunc(o.numbers, func(t *broker.Topic, _ uint64) bool { return ended(t) })
		f.streams++
		o.numbers[topic] = f.streams
	}
	out := &outlet{
		subject: f.subjects.frames(f.site, k.camera, k.rendition), from: f.box + "/" + strconv.FormatUint(o.numbers[topic], 10),
		topic: topic, state: func() camera.State { return o.source.Status().State }, link: f.link, count: f.counts[k],
	}
	f.sending.Add(1)
	out.begin(f.life, f.sending.Done)
	return out
}
