package bus

import (
	"context"
	"maps"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
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
	wanted   int // renditions in all wishes
	demands  intake
	rivals   map[string]*rival
	claims   intake    // of rivals' announcements
	listens  time.Time // when the newest connection began; zero before the first
	streams  uint64    // topics sent from so far
	revision uint64
	last     []told    // as of the revision, without what changes all the time
	looked   time.Time // when the last look began
	toldAt   time.Time // when something was last said
	tell     bool      // the whole is to be told
	question bool      // somebody asked for the whole
	answered time.Time // when the whole was last told
	large    error     // the whole was too large
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

// rival is another camd under the same site's name.
type rival struct {
	*publisher
	heard    time.Time
	revision uint64
	since    map[string]time.Time // from when on it has had each camera
}

func newOffers(o Options, box string, l *link, refuse func(string)) *offers {
	host, _ := os.Hostname() // without one, cameras of an earlier run linger longer in others' lists
	return &offers{
		site: o.Site, box: box, host: host, camd: o.Version, subjects: subjects{o.Prefix}, link: l, log: o.Log, refuse: refuse,
		cameras: map[string]*offer{}, wishes: map[string]*wanting{}, rivals: map[string]*rival{}, counts: map[key]*sent{},
		life: context.Background(), demands: demandIntake(), claims: announcementIntake(mostBoxes),
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

// leave says that this box goes, and ends what is being sent.
func (f *offers) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wishes, f.wanted = map[string]*wanting{}, 0
	for _, o := range f.cameras {
		o.stop()
	}
	f.sending.Wait()
	last := word{Version: version, Box: f.box, Host: f.host, Camd: f.camd, Now: time.Now(), Revision: f.revision, Gone: true}
	_ = f.link.say(f.subjects.site(f.site), last) // silence says the same, later
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
