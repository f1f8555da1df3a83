package wall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"camd/pkg/broker"
)

// Most is how many cameras one client may have.
const Most = 256

const (
	window      = 2        // pictures of one camera that may be under way
	longest     = 16 << 10 // bytes of a client's message
	perSecond   = 50       // messages of a client, but for acknowledgements of what it has not acknowledged yet
	atOnce      = 4 * Most // of them
	pingEvery   = 20 * time.Second
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
	// AliveEvery is after how much silence the client is told that the connection lives; 0 means 10 s.
	AliveEvery time.Duration
	// AckWithin is how long a picture may go unacknowledged before the client is cut; 0 means 2 minutes.
	AckWithin time.Duration

	pongWithin time.Duration // 0 means 10 s
}

func (o Options) filled() Options {
	if o.AliveEvery == 0 {
		o.AliveEvery = 10 * time.Second
	}
	if o.AckWithin == 0 {
		o.AckWithin = 2 * time.Minute
	}
	if o.pongWithin == 0 {
		o.pongWithin = 10 * time.Second
	}
	return o
}

// Serve speaks with one client until it leaves, takes nothing for the write timeout, acknowledges nothing for too long, or
// ctx ends. It closes conn, and returns when all that it started has ended. Its error is ErrTalkative, or says nothing.
func Serve(ctx context.Context, conn *Line, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{opts: o.filled(), conn: conn, ctx: ctx, cancel: cancel, tiles: map[string]*tile{}, wake: make(chan struct{}, 1), out: make(chan notice, Most)}
	conn.SetReadLimit(longest)
	s.say(notice{Type: "hello", Version: Version})
	for _, id := range o.Cameras {
		s.obey(request{Type: "subscribe", Camera: id, Rendition: o.Rendition})
	}
	var helpers sync.WaitGroup
	helpers.Go(func() { defer cancel(); s.read() })
	helpers.Go(func() { defer cancel(); s.ping() })
	context.AfterFunc(ctx, func() { _ = conn.CloseNow() }) // ends what is being read and written
	err := s.write()
	cancel()
	helpers.Wait()
	s.mu.Lock()
	for _, t := range s.tiles {
		s.leave(t, s.idle || errors.Is(err, os.ErrDeadlineExceeded))
	}
	s.mu.Unlock()
	s.bells.Wait()
	if conn.talk.over.Load() {
		return ErrTalkative
	}
	return nil
}

// session is one client.
type session struct {
	opts   Options
	conn   *Line
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

// read obeys the client until it leaves.
func (s *session) read() {
	var text bytes.Buffer
	for {
		_, message, err := s.conn.Reader(patient)
		if err != nil {
			return
		}
		if s.conn.talk.over.Load() {
			return
		}
		text.Reset()
		if _, err := text.ReadFrom(message); err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(text.Bytes(), &r); err != nil {
			if !s.conn.talk.another() {
				return
			}
			s.complain("", "not a JSON object with a type: "+err.Error())
			continue
		}
		if !s.obey(r) && !s.conn.talk.another() {
			return
		}
	}
}

// obey reports whether a request was one that the client was expected to make: an acknowledgement of what had none.
func (s *session) obey(r request) (expected bool) {
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
		expected = s.acknowledge(t, r.Seq)
		for id, seq := range r.Seen {
			expected = s.acknowledge(s.tiles[id], seq) || expected
		}
	case "pause", "resume":
		s.pause(r.Type == "pause")
	default:
		s.complain(r.Camera, fmt.Sprintf("type %q is not known; there are subscribe, unsubscribe, ack, pause and resume", r.Type))
	}
	return expected
}

// acknowledge notes what a client has dealt with, and reports whether that was anything. t may be nil: it may be a camera that
// it has just let go.
func (s *session) acknowledge(t *tile, upTo uint64) bool {
	if t == nil {
		return false
	}
	before := len(t.unseen)
	t.unseen = slices.DeleteFunc(t.unseen, func(seq uint64) bool { return seq <= upTo })
	if len(t.unseen) == before {
		return false
	}
	t.since = time.Now()
	if before >= window { // there may be a picture that it may have now
		s.ring()
	}
	return true
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
