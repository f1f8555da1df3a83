package bus

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/camera/statelog"
)

// Camera is a camera of another site. It is served like a local one: its topics carry live pictures, and placeholders while
// there are none. Its frames go over the bus only while its topics have readers. Its methods are safe for concurrent use.
type Camera struct {
	id, site, localID string
	relay             *relay
	instance          string // the one that has the camera; guarded by relay.mu

	mu           sync.Mutex
	info         cameraInfo
	silentReason string // why its instance cannot be reached; empty if it can be
	clockOffset  time.Duration
	state        camera.StateChange // as viewers see it
	renditions   []string
	owner        string                   // the instance whose frames the receivers take
	receivers    map[string]*receiver     // by rendition, made when a topic is first asked for
	stats        map[string]*receiveStats // of the same renditions
	ended        bool
	isStateKnown bool // state has been set
}

func newCamera(s *remoteSite, id string) *Camera {
	full := s.name + "." + id
	return &Camera{
		id: full, site: s.name, localID: id, relay: s.relay,
	}
}

// ID returns the site's name, a dot and the camera's id at its site: "north.yard". It is safe in URL paths and metric labels. The
// id of a local camera never has a dot.
func (c *Camera) ID() string { return c.id }

// Site returns the name of the camera's site.
func (c *Camera) Site() string { return c.site }

// Status returns the state that the camera's site announces, with three exceptions. The camera is offline, with the reason
// unreachable, while the bus is disconnected or its instance is silent. It is stalled while it is watched and no frames arrive.
// Counts are those of this relay.
func (c *Camera) Status() camera.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.info
	s := camera.Status{
		ID: c.id, Title: t.Title, Source: "bus:" + c.id, State: c.state.State, Reason: c.state.Reason, Detail: c.state.Detail, Since: c.state.Since,
		Format: camera.Format{Backend: "NATS", Codec: t.Codec, Width: t.Width, Height: t.Height, FPS: t.DeclaredFPS},
		Counts: camera.Counts{FPS: t.FPS, Published: map[string]uint64{}, Refused: map[string]uint64{}},
	}
	if !t.Retry.IsZero() && c.state.State == t.State {
		s.NextRetry = t.Retry.Add(c.clockOffset)
	}
	for _, r := range t.Renditions[1:] {
		s.Renditions = append(s.Renditions, camera.Rendition{Name: r.Name, Width: r.Width, FPS: r.FPS, Quality: r.Quality})
	}
	if s.State != camera.Live {
		s.Counts.FPS = 0
	}
	for _, in := range c.receivers {
		in.addTo(&s)
	}
	return s
}

// Renditions returns the names of the camera's renditions, main first.
func (c *Camera) Renditions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.renditions)
}

// Topic returns the topic of a rendition; empty means main. It reports whether the camera has the rendition. A topic takes
// memory from its first call on.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in := c.receiver(cmp.Or(rendition, camera.Main)); in != nil {
		return in.topic, true
	}
	return nil, false
}

// Track returns false: sites do not send each other video.
func (c *Camera) Track(string) (*broker.Topic, bool) { return nil, false }

// receiver returns the receiver of a rendition, and makes it if there is none yet. It returns nil if there is no such
// rendition. c.mu is held.
func (c *Camera) receiver(name string) *receiver {
	if in := c.receivers[name]; in != nil || !slices.Contains(c.renditions, name) {
		return in
	}
	if c.receivers == nil {
		c.receivers, c.stats = map[string]*receiver{}, map[string]*receiveStats{}
	}
	c.stats[name] = newReceiveStats()
	in := newReceiver(c, name, c.stats[name])
	in.setSource(c.owner, c.clockOffset, c.info.State == camera.Paused)
	if c.ended {
		in.end()
	}
	c.receivers[name] = in
	return in
}

// update takes over what the instance that has the camera announces, and reports whether the renditions have changed.
func (c *Camera) update(info cameraInfo, b *siteInstance) bool {
	c.instance = b.id
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info, c.owner, c.clockOffset = info, b.id, b.clockOffset.estimate()
	if !c.isStateKnown {
		c.state, c.isStateKnown = c.currentState(time.Now(), 0), true
	}
	for _, in := range c.receivers {
		in.setSource(b.id, c.clockOffset, info.State == camera.Paused)
	}
	if info.State == camera.Paused && c.state.State != camera.Paused {
		c.setState(c.currentState(time.Now(), 0))
		for _, in := range c.receivers {
			in.withdraw(c.placeholder(in))
		}
	}
	names := make([]string, 0, len(info.Renditions))
	for _, r := range info.Renditions {
		names = append(names, r.Name)
	}
	if slices.Equal(names, c.renditions) {
		return false
	}
	c.setRenditions(names)
	return true
}

// setRenditions replaces the renditions. The topics of removed ones end.
func (c *Camera) setRenditions(names []string) {
	for name, in := range c.receivers {
		if !slices.Contains(names, name) {
			in.end()
			delete(c.receivers, name)
			delete(c.stats, name) // or a site that keeps announcing new names could fill the memory
		}
	}
	c.renditions = names
}

// endTopics ends all topics, and so the streams of their viewers.
func (c *Camera) endTopics() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, in := range c.receivers {
		in.end()
	}
}

// setSilent sets why the camera's instance cannot be reached; empty if it can be.
func (c *Camera) setSilent(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silentReason = reason
}

// updateSubscriptions subscribes to the renditions that are watched, and reports whether that changed.
func (c *Camera) updateSubscriptions(conn *nats.Conn, now time.Time) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.receivers {
		changed = in.updateSubscription(conn, now) || changed
	}
	return changed
}

// dropSubscriptions drops the subscriptions of a connection that has ended.
func (c *Camera) dropSubscriptions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.receivers {
		in.dropSubscription()
	}
}

// watched lists the renditions that viewers watch; waiting lists those of them that have no picture yet.
func (c *Camera) watched() []string { return c.renditionsWhere((*receiver).isWatched) }
func (c *Camera) waiting() []string { return c.renditionsWhere((*receiver).isWaiting) }

func (c *Camera) renditionsWhere(which func(*receiver) bool) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.renditions {
		if in := c.receivers[name]; in != nil && which(in) {
			names = append(names, name)
		}
	}
	return names
}

// setState sets the state. If it is new, it is logged, and a new placeholder is due at once.
func (c *Camera) setState(now camera.StateChange) {
	before := c.state
	c.state = now
	if !now.IsNew(before) {
		return
	}
	for _, in := range c.receivers {
		in.resetPlaceholder()
	}
	isUnused := len(c.receivers) == 0 // no viewer has asked for it
	statelog.Write(c.relay.log, now, isUnused, zap.String("camera", c.id))
}

func (c *Camera) report(list []Stream) []Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range c.stats {
		s := n.stream()
		s.Camera, s.Rendition = c.id, name
		s.Watched = c.receivers[name].isWatched()
		list = append(list, s)
	}
	return list
}
