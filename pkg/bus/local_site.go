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

// streamKey names one rendition of a camera.
type streamKey struct{ camera, rendition string }

// localSite is this camd's site: it announces its cameras, receives relays' interests, and sends frames.
type localSite struct {
	site, instance, host, camdVersion string
	subjects                          subjects
	connection                        *connection
	log                               *zap.Logger
	refuse                            func(cause string)
	ctx                               context.Context // of senders; set by Run

	mu               sync.Mutex
	order            []string
	cameras          map[string]*publishedCamera
	interests        map[string]*relayInterest
	interestCount    int // renditions in all interests
	interestLimits   rateLimits
	duplicateSites   map[string]*duplicateSite
	duplicateLimits  rateLimits // of duplicate sites' announcements
	connectedAt      time.Time  // when the newest connection began; zero before the first
	streamCount      uint64     // topics sent from so far
	revision         uint64
	announced        []cameraInfo // the list of the newest revision
	lastRefresh      time.Time    // when announceChanges last began
	lastAnnounced    time.Time    // when an announcement was last published
	announceComplete bool         // a complete announcement is due
	requested        bool         // a relay asked for a complete announcement
	lastComplete     time.Time    // when a complete announcement was last published
	sizeError        error        // the complete announcement was too large
	left             bool         // the last announcement has been sent
	counts           map[streamKey]*sendStats
	senders          sync.WaitGroup
}

// publishedCamera is one local camera.
type publishedCamera struct {
	camera        LocalCamera
	since         time.Time
	owner         string // the instance that has it; empty is this one
	senders       map[string]*sender
	streamNumbers map[*broker.Topic]uint64 // of streams: a topic keeps its number when it is sent again
}

func newLocalSite(o Options, instance string, l *connection, refuse func(string)) *localSite {
	host, _ := os.Hostname() // without it, relays keep the cameras of an earlier run for longer
	return &localSite{
		site: o.Site, instance: instance, host: host, camdVersion: o.Version, subjects: subjects{o.Prefix}, connection: l, log: o.Log, refuse: refuse,
		cameras: map[string]*publishedCamera{}, interests: map[string]*relayInterest{}, duplicateSites: map[string]*duplicateSite{}, counts: map[streamKey]*sendStats{},
		ctx: context.Background(), interestLimits: newInterestLimits(), duplicateLimits: newAnnouncementLimits(maxInstances),
	}
}

// setCameras replaces the cameras that are published. Senders of cameras that are not in localCameras stop.
func (l *localSite) setCameras(localCameras []LocalCamera) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cameras := map[string]*publishedCamera{}
	l.order = nil
	for _, s := range localCameras {
		id := s.Status().ID
		if !namePattern.MatchString(id) || cameras[id] != nil || len(cameras) == maxCamerasPerInstance {
			l.log.Error("camera not published", zap.String("camera", id), zap.Error(errName), zap.Int("most", maxCamerasPerInstance))
			continue
		}
		o := l.cameras[id]
		if o == nil || o.camera != s {
			since := time.Now()
			if o != nil {
				since = o.since
				o.stop()
			}
			o = &publishedCamera{camera: s, since: since, senders: map[string]*sender{}, streamNumbers: map[*broker.Topic]uint64{}}
		}
		cameras[id] = o
		l.order = append(l.order, id)
	}
	for id, o := range l.cameras {
		if cameras[id] == nil {
			o.stop()
		}
	}
	l.cameras = cameras
	l.resolveDuplicates()
	l.updateSenders()
}

// stop stops the camera's senders. It does not wait for them: a write may take long over a slow link.
func (p *publishedCamera) stop() {
	for _, out := range p.senders {
		out.stop()
	}
}

// announceLeaving stops all senders and announces that this instance leaves.
func (l *localSite) announceLeaving() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interests, l.interestCount = map[string]*relayInterest{}, 0
	for _, o := range l.cameras {
		o.stop()
	}
	l.senders.Wait()
	last := announcement{Version: protocolVersion, Instance: l.instance, Host: l.host, CamdVersion: l.camdVersion, SentAt: time.Now(), Revision: l.revision, Leaving: true}
	_ = l.connection.publish(l.subjects.site(l.site), last) // if it is lost, relays notice the silence later
	l.left = true
}

// setContext sets the context of the senders.
func (l *localSite) setContext(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx = ctx
}

// report writes the duplicate cameras and the sent streams into s.
func (l *localSite) report(s *State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Duplicates = l.duplicateCameras()
	for k, c := range l.counts {
		o := l.cameras[k.camera]
		watched := o != nil && o.senders[k.rendition] != nil
		c.mu.Lock()
		s.Sent = append(s.Sent, Stream{Camera: k.camera, Rendition: k.rendition, Watched: watched, Passed: c.passed, Frames: c.frames,
			Bytes: c.bytes, Repeated: c.repeated, Dropped: maps.Clone(c.dropped)})
		c.mu.Unlock()
	}
}
