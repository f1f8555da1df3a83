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
	*publisher
	until time.Time
	watch map[key]bool
}

// others is the entry of all relays that there is no room for. What one of them wants is sent, and sent until expiry after one of
// them last wanted something.
const others = ""

// wish reads what a relay's viewers watch, if its publisher does not send too much.
func (f *offers) wish(m *nats.Msg) {
	relay, now := peek(m.Data, "relay"), time.Now()
	if !f.admitsWish(relay, len(m.Data), now) {
		f.refuse(TooFast)
		return
	}
	w, err := readWish(m.Data)
	if err != nil || relay != "" && relay != w.Relay {
		f.refuse(NotUnderstood)
		return
	}
	f.take(w, now)
}

// take makes a relay's wish what it says.
func (f *offers) take(w wish, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return
	}
	if len(w.Watch) == 0 {
		f.forget(w.Relay)
		return
	}
	own := f.own(w.Watch)
	f.note(w.Relay, own, now)
	// What nobody wants any more ends with the next look, which asks all relays; here a thousand of them cost each its own.
	for k := range own {
		f.serve(k, slices.Contains(w.Fresh[k.camera], k.rendition))
	}
}

func (f *offers) admitsWish(relay string, size int, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var known *publisher
	if w := f.wishes[relay]; w != nil && relay != others {
		known = w.publisher
	}
	return size <= mostWord && f.demands.allows(known, size, now)
}

// note makes a relay's wish what it is now.
func (f *offers) note(relay string, watch map[key]bool, now time.Time) {
	w := f.wishes[relay]
	had := 0
	if w != nil {
		had = len(w.watch)
	}
	if w == nil && len(f.wishes) >= mostRelays || f.wanted-had+len(watch) > mostWanted {
		f.refuse(TooManyRelays)
		f.forget(relay)
		relay, w, had = others, f.wishes[others], 0
		if w != nil {
			had = len(w.watch)
			maps.Copy(watch, w.watch) // no more than there are here
		}
	}
	if w == nil {
		w = &wanting{publisher: f.demands.admit(now)}
		f.wishes[relay] = w
	}
	w.watch, w.until = watch, now.Add(expiry)
	f.wanted += len(watch) - had
}

func (f *offers) forget(relay string) {
	if w := f.wishes[relay]; w != nil {
		f.wanted -= len(w.watch)
		delete(f.wishes, relay)
	}
}

// own leaves of a wish the renditions that this box has. What it returns does not hold the memory of the message.
func (f *offers) own(watch map[string][]string) map[key]bool {
	own := map[key]bool{}
	for id, o := range f.cameras {
		wanted := watch[id]
		if len(wanted) == 0 {
			continue
		}
		for _, r := range o.source.Renditions() {
			if slices.Contains(wanted[:min(len(wanted), mostRenditions)], r) {
				own[key{id, r}] = true
			}
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
	f.listens = time.Now()
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
			f.forget(relay)
			continue
		}
		maps.Copy(wanted, w.watch)
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
