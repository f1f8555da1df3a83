package bus

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// How often a bus speaks, and when it takes silence for an end. Three words may be lost.
const (
	glance = 250 * time.Millisecond // between looks at what has changed
	beat   = 2 * time.Second        // between words while nothing has
	expiry = 3 * beat
)

// key names one rendition of a camera.
type key struct{ camera, rendition string }

// offers is what a site has for others: it tells of its cameras, hears who wants what, and sends that.
type offers struct {
	site, box, host, camd string
	subjects              subjects
	link                  *link
	log                   *zap.Logger
	refuse                func(cause string)
	life                  context.Context // of outlets; set by Run

	mu       sync.Mutex
	order    []string
	cameras  map[string]*offer
	wishes   map[string]*wanting
	rivals   map[string]*rival
	streams  uint64 // topics sent from so far
	revision uint64
	last     []told    // as of the revision, without what changes all the time
	toldAt   time.Time // when something was last said
	tell     bool      // somebody asked for the whole
	gone     bool      // the last word has been said
	counts   map[key]*sent
	sending  sync.WaitGroup // outlets
}

// offer is one local camera.
type offer struct {
	source  Source
	since   time.Time
	held    string // the box that has it; empty is this one
	outlets map[string]*outlet
	numbers map[*broker.Topic]uint64 // of streams: a topic that is sent anew goes on under its number
}

// wanting is what one relay's viewers watch here.
type wanting struct {
	until time.Time
	watch map[string][]string
}

// rival is another camd under the same site's name.
type rival struct {
	heard    time.Time
	revision uint64
	since    map[string]time.Time // from when on it has had each camera
}

func newOffers(o Options, box string, l *link, refuse func(string)) *offers {
	host, _ := os.Hostname() // without one, cameras of an earlier run linger longer in others' lists
	return &offers{
		site: o.Site, box: box, host: host, camd: o.Version, subjects: subjects{o.Prefix}, link: l, log: o.Log, refuse: refuse,
		cameras: map[string]*offer{}, wishes: map[string]*wanting{}, rivals: map[string]*rival{}, counts: map[key]*sent{},
		life: context.Background(),
	}
}

// set makes sources those that are offered.
func (f *offers) set(sources []Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := map[string]*offer{}
	f.order = nil
	for _, s := range sources {
		id := s.Status().ID
		if !name.MatchString(id) || now[id] != nil || len(now) == mostCameras {
			f.log.Error("camera not offered", zap.String("camera", id), zap.Error(errName), zap.Int("most", mostCameras))
			continue
		}
		o := f.cameras[id]
		if o == nil || o.source != s {
			since := time.Now()
			if o != nil {
				since = o.since
				o.stop()
			}
			o = &offer{source: s, since: since, outlets: map[string]*outlet{}, numbers: map[*broker.Topic]uint64{}}
		}
		now[id] = o
		f.order = append(f.order, id)
	}
	for id, o := range f.cameras {
		if now[id] == nil {
			o.stop()
		}
	}
	f.cameras = now
	f.contend()
	f.settle()
}

// stop ends what is being sent. It does not wait: a write may take long over a slow link.
func (o *offer) stop() {
	for _, out := range o.outlets {
		out.stop()
	}
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

// settle makes what is sent what is wanted.
func (f *offers) settle() {
	wanted := map[key]bool{}
	for relay, w := range f.wishes {
		if time.Now().After(w.until) {
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
	if out := o.outlets[k.rendition]; out != nil {
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

// look tells of what has changed, or that nothing has, and notices what has expired. It is called every glance.
func (f *offers) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contend()
	f.settle()
	cameras := f.list()
	if changed(f.last, cameras) {
		f.revision++
		f.last, f.tell = cameras, true
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
	if f.publish(w) {
		f.toldAt, f.tell = time.Now(), false
	}
}

func (f *offers) publish(w word) bool {
	conn, _ := f.link.ready()
	b, err := json.Marshal(w)
	if err != nil || conn == nil {
		return false
	}
	return conn.Publish(f.subjects.site(f.site), b) == nil
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
		ID: id, Title: s.Title, State: s.State, Reason: s.Reason, Detail: plain(s.Detail), Since: s.Since, Retry: s.Retry,
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

// asked makes the next look tell of everything: many who ask at once get one answer.
func (f *offers) asked(*nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tell = true
}

// leave says that this box goes, and ends what is being sent.
func (f *offers) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wishes = map[string]*wanting{}
	for _, o := range f.cameras {
		o.stop()
	}
	f.sending.Wait()
	f.publish(word{Version: version, Box: f.box, Host: f.host, Camd: f.camd, Now: time.Now(), Revision: f.revision, Gone: true})
	f.gone = true
}

// begin gives what is to be sent a life, which ends with ctx.
func (f *offers) begin(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = ctx
}

// report puts what was sent into s.
func (f *offers) report(s *State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Duplicates = f.duplicates()
	for k, c := range f.counts {
		o := f.cameras[k.camera]
		watched := o != nil && o.outlets[k.rendition] != nil
		c.mu.Lock()
		s.Sent = append(s.Sent, Stream{Camera: k.camera, Rendition: k.rendition, Watched: watched, Passed: c.passed, Frames: c.frames,
			Bytes: c.bytes, Repeated: c.repeated, Dropped: maps.Clone(c.dropped)})
		c.mu.Unlock()
	}
}
