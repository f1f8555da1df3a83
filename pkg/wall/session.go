package wall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"camd/pkg/broker"
)

const (
	window      = 2        // pictures of one camera that may be under way
	most        = 256      // cameras of one client
	longest     = 16 << 10 // bytes of a client's message
	pingEvery   = 20 * time.Second
	pongWithin  = 10 * time.Second
	defaultSize = "preview"
)

// Place is where a client watches one camera. Its methods are called by one goroutine at a time.
type Place interface {
	Topic() *broker.Topic
	Sent(f *broker.Frame, bytes int) // a picture has been handed to the connection
	Dropped(frames uint64)           // so many more were passed over
	Leave(cut bool)                  // the client leaves, or is cut because it takes nothing; called once
}

// Options of a session. Join is required.
type Options struct {
	Cameras   []string // what to begin with
	Rendition string   // in which; empty is preview
	// Join admits the client to a camera in a rendition. Its error is for people.
	Join func(camera, rendition string) (Place, error)
	// WriteTimeout is how long a message may take.
	WriteTimeout time.Duration
	// AliveEvery is after how much silence the client is told that the connection lives; 0 means 10 s.
	AliveEvery time.Duration
	// AckWithin is how long a picture may go unacknowledged before the client is cut; 0 means 2 minutes.
	AckWithin time.Duration
}

func (o Options) filled() Options {
	if o.AliveEvery == 0 {
		o.AliveEvery = 10 * time.Second
	}
	if o.AckWithin == 0 {
		o.AckWithin = 2 * time.Minute
	}
	return o
}

// Serve speaks with one client until it leaves, takes nothing for the write timeout, acknowledges nothing for too long, or
// ctx ends. It closes conn, and returns when all that it started has ended.
func Serve(ctx context.Context, conn *websocket.Conn, o Options) {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{opts: o.filled(), conn: conn, ctx: ctx, cancel: cancel, tiles: map[string]*tile{}, wake: make(chan struct{}, 1), out: make(chan notice, most)}
	conn.SetReadLimit(longest)
	s.say(notice{Type: "hello", Version: Version})
	for _, id := range o.Cameras {
		s.obey(request{Type: "subscribe", Camera: id, Rendition: o.Rendition})
	}
	var helpers sync.WaitGroup
	helpers.Go(func() { defer cancel(); s.read() })
	helpers.Go(func() { defer cancel(); s.ping() })
	err := s.write()
	cancel()
	_ = conn.CloseNow()
	helpers.Wait()
	s.mu.Lock()
	for _, t := range s.tiles {
		s.leave(t, s.idle || errors.Is(err, errStalled))
	}
	s.mu.Unlock()
	s.bells.Wait()
}

var errStalled = errors.New("the client takes nothing")

// session is one client.
type session struct {
	opts   Options
	conn   *websocket.Conn
	ctx    context.Context // of all its goroutines
	cancel context.CancelFunc
	wake   chan struct{} // has a token when the writer is to look for something to send
	out    chan notice
	bells  sync.WaitGroup
	pen    pen

	mu     sync.Mutex
	tiles  map[string]*tile
	turns  []*tile // whose turn it is, the next one first
	paused bool
	idle   bool   // it has acknowledged nothing for too long
	busy   Place  // whose picture is being sent
	late   func() // its leave, when it was taken meanwhile
}

// tile is one camera that the client wants.
type tile struct {
	camera, rendition string

	place   Place // nil while the session is paused
	sub     *broker.Subscription
	stop    context.CancelFunc
	dropped uint64    // as told to the place
	unseen  []uint64  // pictures not acknowledged
	since   time.Time // while there are some: when the first was sent, or another acknowledged
}

// read obeys the client until it leaves.
func (s *session) read() {
	for {
		_, text, err := s.conn.Read(s.ctx)
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(text, &r); err != nil {
			s.complain("", "not a JSON object with a type: "+err.Error())
			continue
		}
		s.obey(r)
	}
}

func (s *session) obey(r request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tiles[r.Camera]
	switch r.Type {
	case "subscribe":
		if r.Rendition == "" {
			r.Rendition = defaultSize
		}
		s.subscribe(t, r.Camera, r.Rendition)
	case "unsubscribe":
		if t != nil {
			s.forget(t)
		}
		s.say(notice{Type: "unsubscribed", Camera: r.Camera})
	case "ack":
		if t != nil {
			waits := len(t.unseen) >= window
			t.unseen = slices.DeleteFunc(t.unseen, func(seq uint64) bool { return seq <= r.Seq })
			t.since = time.Now()
			if waits { // there may be a picture that it may have now
				s.ring()
			}
		}
	case "pause", "resume":
		s.pause(r.Type == "pause")
	default:
		s.complain(r.Camera, fmt.Sprintf("type %q is not known; there are subscribe, unsubscribe, ack, pause and resume", r.Type))
	}
}

// subscribe begins with a camera, or changes its rendition. s.mu is held, as in all that follows but write and ping.
func (s *session) subscribe(t *tile, camera, rendition string) {
	if t == nil && len(s.tiles) >= most {
		s.complain(camera, fmt.Sprintf("%d cameras are as many as one connection may have", most))
		return
	}
	earlier := t
	t = &tile{camera: camera, rendition: rendition}
	if !s.begin(t) {
		return
	}
	if s.paused { // it was had, and will be again
		s.leave(t, false)
	}
	if earlier != nil {
		s.forget(earlier)
	}
	s.tiles[camera] = t
	s.turns = append(s.turns, t)
	s.say(notice{Type: "subscribed", Camera: camera, Rendition: rendition})
}

// begin takes a place and reports whether it was had.
func (s *session) begin(t *tile) bool {
	place, err := s.opts.Join(t.camera, t.rendition)
	if err != nil {
		s.complain(t.camera, err.Error())
		return false
	}
	t.place, t.sub, t.dropped, t.unseen = place, place.Topic().Subscribe(broker.Latest), 0, nil
	ctx, stop := context.WithCancel(s.ctx)
	t.stop = stop
	sub := t.sub
	s.bells.Go(func() { s.listen(ctx, t.camera, sub) })
	return true
}

// listen sends each of a camera's pictures, and what else there is: it is awake, and to wake the writer costs more.
func (s *session) listen(ctx context.Context, camera string, sub *broker.Subscription) {
	for {
		rung := sub.Bell() // before anybody looks: what is not seen has yet to ring
		s.send()
		select {
		case <-rung:
		case <-sub.Ended():
			s.over(camera, sub)
			return
		case <-ctx.Done():
			return
		}
	}
}

// over takes leave of a stream that has ended, unless the client has another of that camera by now.
func (s *session) over(camera string, sub *broker.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tiles[camera]; t != nil && t.sub == sub {
		s.forget(t)
		s.say(notice{Type: "unsubscribed", Camera: camera, Message: "this stream has ended"})
	}
}

func (s *session) forget(t *tile) {
	s.leave(t, false)
	delete(s.tiles, t.camera)
	s.turns = slices.DeleteFunc(s.turns, func(o *tile) bool { return o == t })
}

func (s *session) leave(t *tile, cut bool) {
	if t.place == nil {
		return
	}
	t.account()
	t.stop()
	t.sub.Close()
	place := t.place
	t.place = nil
	if place == s.busy { // its picture is on its way, and counts
		s.late = func() { place.Leave(cut) }
		return
	}
	place.Leave(cut)
}

// pause gives up all places, so that nothing is made for a tab that nobody sees, or takes them again.
func (s *session) pause(on bool) {
	if on == s.paused {
		return
	}
	s.paused = on
	for _, t := range slices.Clone(s.turns) {
		switch {
		case on:
			s.leave(t, false)
		case !s.begin(t):
			s.forget(t)
			s.say(notice{Type: "unsubscribed", Camera: t.camera})
		}
	}
}

// account passes on what the ring has dropped.
func (t *tile) account() {
	if d := t.sub.Stats().Dropped; d != t.dropped {
		t.place.Dropped(d - t.dropped)
		t.dropped = d
	}
}

func (s *session) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) complain(camera, message string) {
	s.say(notice{Type: "error", Camera: camera, Message: message})
}

// say leaves a notice for the writer. A client that asks and does not read gets fewer.
func (s *session) say(n notice) {
	select {
	case s.out <- n:
		s.ring()
	default:
	}
}
