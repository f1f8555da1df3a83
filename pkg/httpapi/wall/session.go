package wall

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"camd/internal/writetimeout"
	"camd/pkg/broker"
)

// MaxCameras is the limit of cameras for one client.
const MaxCameras = 256

const (
	maxUnacked        = 2              // pictures of one camera that may be unacknowledged
	maxMessageBytes   = 16 << 10       // bytes of a message of the client
	messagesPerSecond = 50             // without acknowledgements of pictures that were not acknowledged yet
	messageBurst      = 4 * MaxCameras // of them
	pingInterval      = 20 * time.Second
	defaultRendition  = "preview"
)

// Stream is a camera that a client watches. One goroutine at a time calls its methods.
type Stream interface {
	Topic() *broker.Topic
	Sent(f *broker.Frame, bytes int) // a picture has been handed to the connection
	Dropped(frames uint64)           // this many frames were skipped
	Leave(cut bool)                  // the client leaves or is disconnected; called once
}

// sessionOptions are the initial cameras of a session, and its timeouts. Join is required.
type sessionOptions struct {
	Cameras   []string // at the beginning
	Rendition string   // of these; empty is preview
	// Join admits the client to a camera in a rendition. Its error is a text for people.
	Join func(camera, rendition string) (Stream, error)
	// AliveInterval is how long the connection may be silent before the client gets a notice that it is alive; 0 means 10 s.
	AliveInterval time.Duration
	// AckTimeout is how long a picture may be unacknowledged before the client is disconnected; 0 means 2 minutes.
	AckTimeout time.Duration

	pongTimeout time.Duration // 0 means 10 s
}

func (s sessionOptions) withDefaults() sessionOptions {
	if s.AliveInterval == 0 {
		s.AliveInterval = 10 * time.Second
	}
	if s.AckTimeout == 0 {
		s.AckTimeout = 2 * time.Minute
	}
	if s.pongTimeout == 0 {
		s.pongTimeout = 10 * time.Second
	}
	return s
}

// serveSession serves one client until ctx ends or the client leaves. It also ends when the client takes nothing for the write timeout,
// or acknowledges nothing for too long. It closes conn, and returns when all that it started has ended. Its error is ErrTooManyMessages
// or nil.
func serveSession(ctx context.Context, conn *Conn, o sessionOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{opts: o.withDefaults(), conn: conn, ctx: ctx, cancel: cancel, subscriptions: map[string]*subscription{}, wake: make(chan struct{}, 1), notices: make(chan serverMessage, MaxCameras)}
	conn.SetReadLimit(maxMessageBytes)
	s.queueNotice(serverMessage{Type: "hello", Version: Version})
	for _, id := range o.Cameras {
		s.handleRequest(clientMessage{Type: "subscribe", Camera: id, Rendition: o.Rendition})
	}
	var background sync.WaitGroup
	background.Go(func() { defer cancel(); s.readRequests() })
	background.Go(func() { defer cancel(); s.watchLiveness() })
	context.AfterFunc(ctx, func() { _ = conn.CloseNow() }) // ends reads and writes
	err := s.writeLoop()
	cancel()
	background.Wait()
	s.mu.Lock()
	for _, t := range s.subscriptions {
		s.leaveStream(t, s.ackTimedOut || writetimeout.IsExceeded(err))
	}
	s.mu.Unlock()
	s.topicWatchers.Wait()
	if conn.messages.exceeded.Load() {
		return ErrTooManyMessages
	}
	return nil
}

// session is one client.
type session struct {
	opts          sessionOptions
	conn          *Conn
	ctx           context.Context // of all goroutines of the session
	cancel        context.CancelFunc
	wake          chan struct{} // has a token when the writer has something to send
	notices       chan serverMessage
	topicWatchers sync.WaitGroup
	writer        messageWriter

	mu            sync.Mutex
	subscriptions map[string]*subscription
	roundRobin    []*subscription // all subscriptions; the first one is next in turn
	paused        bool
	ackTimedOut   bool   // it has acknowledged nothing for too long
	sending       Stream // stream whose picture is being sent
	deferredLeave func() // Leave of that stream, if it was left meanwhile
}

// readRequests handles the client's requests until it leaves.
func (s *session) readRequests() {
	var text bytes.Buffer
	for {
		_, message, err := s.conn.Reader(noDeadline)
		if err != nil {
			return
		}
		if s.conn.messages.exceeded.Load() {
			return
		}
		text.Reset()
		if _, err := text.ReadFrom(message); err != nil {
			return
		}
		var r clientMessage
		if err := json.Unmarshal(text.Bytes(), &r); err != nil {
			if !s.conn.messages.allow() {
				return
			}
			s.queueError("", "the message is not a JSON object with a type: "+err.Error())
			continue
		}
		if !s.handleRequest(r) && !s.conn.messages.allow() {
			return
		}
	}
}

// handleRequest handles one request. It reports whether the client was expected to send it: an acknowledgement of a picture that was not
// acknowledged yet.
func (s *session) handleRequest(r clientMessage) (expected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.subscriptions[r.Camera]
	switch r.Type {
	case "subscribe":
		if r.Rendition == "" {
			r.Rendition = defaultRendition
		}
		s.subscribe(t, r.Camera, r.Rendition)
	case "unsubscribe":
		if t != nil {
			s.remove(t)
		}
		s.queueNotice(serverMessage{Type: "unsubscribed", Camera: r.Camera})
	case "ack":
		expected = s.acknowledge(t, r.Seq)
		for id, seq := range r.Seen {
			expected = s.acknowledge(s.subscriptions[id], seq) || expected
		}
	case "pause", "resume":
		s.setPaused(r.Type == "pause")
	default:
		s.queueError(r.Camera, fmt.Sprintf("unknown type %q: the types are subscribe, unsubscribe, ack, pause and resume", r.Type))
	}
	return expected
}

// acknowledge notes which pictures a client has handled, and reports whether there were any. t may be nil, because the client may have
// unsubscribed meanwhile.
func (s *session) acknowledge(t *subscription, upTo uint64) bool {
	if t == nil {
		return false
	}
	before := len(t.unacked)
	t.unacked = slices.DeleteFunc(t.unacked, func(seq uint64) bool { return seq <= upTo })
	if len(t.unacked) == before {
		return false
	}
	t.unackedSince = time.Now()
	if before >= maxUnacked { // the writer may send another picture now
		s.wakeWriter()
	}
	return true
}

func (s *session) wakeWriter() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) queueError(camera, message string) {
	s.queueNotice(serverMessage{Type: "error", Camera: camera, Message: message})
}

// queueNotice queues a notice for the writer, and drops it if the queue is full.
func (s *session) queueNotice(n serverMessage) {
	select {
	case s.notices <- n:
		s.wakeWriter()
	default:
	}
}
