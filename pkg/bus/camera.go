package bus

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// Camera is one of another site. It is served like a local one: its topics have live pictures and placeholders in turn, and
// pictures are on the bus only while a topic has readers. Safe for concurrent use.
type Camera struct {
	id, site, bare string
	relay          *relay
	box            string // that has it; belongs to whoever has the relay's lock

	mu      sync.Mutex
	told    told
	silent  string // why its box cannot be asked; empty if it can be
	ahead   time.Duration
	state   condition
	names   []string
	owner   string               // the box that has it, as inlets know it
	inlets  map[string]*inlet    // of the renditions that somebody has asked for: one that nobody asks for costs its name
	counts  map[string]*received // of the same
	ended   bool
	current bool // state has been found once
}

// condition is how a camera is, as told to viewers.
type condition struct {
	state  camera.State
	reason camera.Reason
	detail string
	since  time.Time
}

func newCamera(s *site, id string) *Camera {
	full := s.name + "." + id
	return &Camera{
		id: full, site: s.name, bare: id, relay: s.relay,
	}
}

// ID is its site's name, a dot and its own: "north.yard". It is fit for a URL's segment and a metric's label, and no local
// camera has such a one.
func (c *Camera) ID() string { return c.id }

// Site returns its site's name.
func (c *Camera) Site() string { return c.site }

// Status is its site's word, but where site or bus cannot be reached: then it is offline, unreachable. While it is watched and
// no frame comes, it is stalled. Counts are those of this relay.
func (c *Camera) Status() camera.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.told
	s := camera.Status{
		ID: c.id, Title: t.Title, Source: "bus:" + c.id, State: c.state.state, Reason: c.state.reason, Detail: c.state.detail, Since: c.state.since,
		Format: camera.Format{Backend: "NATS", Codec: t.Codec, Width: t.Width, Height: t.Height, FPS: t.Declared},
		Counts: camera.Counts{FPS: t.FPS, Published: map[string]uint64{}, Refused: map[string]uint64{}},
	}
	if !t.Retry.IsZero() && c.state.state == t.State {
		s.Retry = t.Retry.Add(c.ahead)
	}
	for _, r := range t.Renditions[1:] {
		s.Renditions = append(s.Renditions, camera.Rendition{Name: r.Name, Width: r.Width, FPS: r.FPS, Quality: r.Quality})
	}
	if s.State != camera.Live {
		s.Counts.FPS = 0
	}
	for _, in := range c.inlets {
		in.describe(&s)
	}
	return s
}

// Renditions returns the names of its streams, main first.
func (c *Camera) Renditions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.names)
}

// Topic returns the stream in a rendition; empty means main. A stream takes memory from when it is first asked for.
func (c *Camera) Topic(rendition string) (*broker.Topic, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in := c.inlet(cmp.Or(rendition, camera.Main)); in != nil {
		return in.topic, true
	}
	return nil, false
}

// inlet returns the stream in a rendition, and makes it if it is asked for the first time; nil if there is no such rendition.
func (c *Camera) inlet(name string) *inlet {
	if in := c.inlets[name]; in != nil || !slices.Contains(c.names, name) {
		return in
	}
	if c.inlets == nil {
		c.inlets, c.counts = map[string]*inlet{}, map[string]*received{}
	}
	c.counts[name] = newReceived()
	in := newInlet(c, name, c.counts[name])
	in.source(c.owner, c.ahead, c.told.State == camera.Paused)
	if c.ended {
		in.end()
	}
	c.inlets[name] = in
	return in
}

// learn takes what the box that has the camera says of it, and reports whether its renditions are others than before.
func (c *Camera) learn(t told, b *box) bool {
	c.box = b.id
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told, c.owner, c.ahead = t, b.id, b.clock.ahead()
	if !c.current {
		c.state, c.current = c.find(time.Now(), 0), true
	}
	for _, in := range c.inlets {
		in.source(b.id, c.ahead, t.State == camera.Paused)
	}
	if t.State == camera.Paused && c.state.state != camera.Paused {
		c.enter(c.find(time.Now(), 0))
		for _, in := range c.inlets {
			in.withdraw(c.card(in))
		}
	}
	names := make([]string, 0, len(t.Renditions))
	for _, r := range t.Renditions {
		names = append(names, r.Name)
	}
	if slices.Equal(names, c.names) {
		return false
	}
	c.restream(names)
	return true
}

// restream makes the renditions those that there are now. Readers of one that goes come to its end.
func (c *Camera) restream(names []string) {
	for name, in := range c.inlets {
		if !slices.Contains(names, name) {
			in.end()
			delete(c.inlets, name)
			delete(c.counts, name) // else whoever thinks of ever new names fills the memory
		}
	}
	c.names = names
}

// end lets all readers go.
func (c *Camera) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, in := range c.inlets {
		in.end()
	}
}

// hint says why the camera's box cannot be asked.
func (c *Camera) hint(silent string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = silent
}

// settle makes what is fetched what is watched, and reports whether that is something else than before.
func (c *Camera) settle(conn *nats.Conn, now time.Time) (turned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.inlets {
		turned = in.settle(conn, now) || turned
	}
	return turned
}

// deaf forgets what was listened to on a connection that is no more.
func (c *Camera) deaf() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.inlets {
		in.deaf()
	}
}

// watched lists the renditions that viewers watch; needs, those of them that have no picture yet.
func (c *Camera) watched() []string { return c.those((*inlet).isWatched) }
func (c *Camera) needs() []string   { return c.those((*inlet).isNeedy) }

func (c *Camera) those(which func(*inlet) bool) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.names {
		if in := c.inlets[name]; in != nil && which(in) {
			names = append(names, name)
		}
	}
	return names
}

// enter makes the state known to all but viewers.
func (c *Camera) enter(now condition) {
	before := c.state
	c.state = now
	if before.state == now.state && before.reason == now.reason {
		return
	}
	level := zapcore.InfoLevel
	switch {
	case len(c.inlets) == 0: // nobody has asked for it here
		level = zapcore.DebugLevel
	case now.state == camera.Offline, now.state == camera.Stalled:
		level = zapcore.WarnLevel
	}
	if !c.relay.log.Core().Enabled(level) {
		return
	}
	fields := []zap.Field{zap.String("camera", c.id), zap.String("state", string(now.state))}
	if now.reason != camera.None {
		fields = append(fields, zap.String("reason", string(now.reason)), zap.String("detail", now.detail))
	}
	c.relay.log.Log(level, "camera state", fields...)
}

func (c *Camera) report(list []Stream) []Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range c.counts {
		s := n.stream()
		s.Camera, s.Rendition = c.id, name
		s.Watched = c.inlets[name].isWatched()
		list = append(list, s)
	}
	return list
}
