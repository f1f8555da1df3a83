package wall

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"camd/internal/writetimeout"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
)

// MaxCameras is the limit of cameras for one client.
const MaxCameras = 256

const (
	// sendInterval is the time between two rounds of frames. The frames of all cameras of that time go to the kernel in one write. To wake
	// up for each frame would cost more than the frame.
	sendInterval = 20 * time.Millisecond
	// reviewInterval is how often the session checks for each camera whether another track is better now.
	reviewInterval = time.Second
	// maxWaitingRequests is how many requests may wait for the session. Then its reader waits.
	maxWaitingRequests = 16
)

// sessionOptions are what a session begins with, and its timeouts. FindCamera, NewViewer and Viewers are required.
type sessionOptions struct {
	Cameras []string // at the beginning
	View    view     // of these
	Decodes decodable
	// FindCamera returns a camera if the client can see it now. Its error is a text for people.
	FindCamera func(id string) (request.Target, error)
	// NewViewer returns the client as a viewer of a track.
	NewViewer func(viewers.Key) *viewers.Viewer
	Viewers   *viewers.Registry
	Stopping  func() bool // reports whether camd stops; nil means never
	// AliveInterval is how long the connection may be silent before the client gets a notice that it is alive; 0 means 10 s.
	AliveInterval time.Duration
	// AckTimeout is how long the client may acknowledge nothing of a camera before it is disconnected; 0 means 2 minutes.
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
	if s.Stopping == nil {
		s.Stopping = func() bool { return false }
	}
	return s
}

// session is one client. All its state belongs to the goroutine that calls run.
type session struct {
	opts     sessionOptions
	conn     *Conn
	ctx      context.Context // of all goroutines of the session
	requests chan clientRequest

	decodes decodable
	paused  bool
	cameras map[string]*subscription
	turns   []*subscription          // all cameras; the one at nextTurn sends next
	streams map[uint16]*subscription // by the numbers of their streams

	nextTurn   int
	lastNumber uint16 // of a stream
	reviewed   time.Time
	isUrgent   bool // a camera may have a frame to send at once
	tick       *time.Timer
	isTicking  bool

	notices []serverMessage // to be sent before the next frames
	writer  messageWriter

	ackTimedOut string // the camera whose frames the client has not acknowledged for too long
}

// serveSession serves one client until outer ends or the client leaves. It also ends when the client takes nothing for the write timeout,
// or acknowledges nothing for too long. It closes conn, and returns when all that it started has ended. Its error is ErrTooManyMessages
// or nil.
func serveSession(outer context.Context, conn *Conn, o sessionOptions) error {
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	s := newSession(ctx, conn, o)
	conn.SetReadLimit(maxMessageBytes)
	var background sync.WaitGroup
	background.Go(func() { defer cancel(); s.readRequests() })
	background.Go(func() { defer cancel(); s.watchLiveness() })
	stop := context.AfterFunc(ctx, func() { _ = conn.CloseNow() }) // ends reads and writes
	err := s.run()
	if s.ackTimedOut != "" && stop() {
		stop = context.AfterFunc(outer, func() { _ = conn.batch.Close() })                              // CloseNow would wait for Close
		_ = conn.Close(websocket.StatusPolicyViolation, "no acknowledgement for camera "+s.ackTimedOut) // waits for the client's answer
		stop()
	}
	cancel()
	_ = conn.CloseNow()
	background.Wait()
	for _, t := range s.turns {
		s.leave(t, s.ackTimedOut != "" || writetimeout.IsExceeded(err))
	}
	if conn.messages.exceeded.Load() {
		return ErrTooManyMessages
	}
	return nil
}

func newSession(ctx context.Context, conn *Conn, o sessionOptions) *session {
	s := &session{
		opts: o.withDefaults(), conn: conn, ctx: ctx, requests: make(chan clientRequest, maxWaitingRequests), decodes: o.Decodes,
		cameras: map[string]*subscription{}, streams: map[uint16]*subscription{}, tick: time.NewTimer(sendInterval),
	}
	s.tick.Stop()
	return s
}

// run sends messages and frames and handles requests, until a write fails or the session ends.
func (s *session) run() error {
	defer s.tick.Stop()
	alive := time.NewTimer(s.opts.AliveInterval)
	defer alive.Stop()
	s.notify(serverMessage{Type: "hello", Version: Version})
	for _, id := range s.opts.Cameras {
		s.subscribe(id, s.opts.View)
	}
	for s.ackTimedOut == "" {
		if err := s.send(); err != nil {
			return err
		}
		select {
		case r := <-s.requests:
			s.handle(r)
		case <-s.tick.C:
			s.isUrgent = true
			s.tick.Reset(untilRound(time.Now()))
		case <-alive.C:
			s.clearPaused(time.Now())
			alive.Reset(s.noticeAlive())
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	return nil
}

// noticeAlive notifies the client that the connection is alive, unless something else was sent in time. It returns when to check again.
func (s *session) noticeAlive() time.Duration {
	if left := s.opts.AliveInterval - time.Since(s.writer.lastWrite); left > 0 {
		return left
	}
	s.notify(serverMessage{Type: "alive"})
	return s.opts.AliveInterval
}

// updateTicking lets the session look for frames while it has cameras and is not paused.
func (s *session) updateTicking() {
	switch wanted := !s.paused && len(s.turns) > 0; {
	case wanted && !s.isTicking:
		s.tick.Reset(untilRound(time.Now()))
		s.isTicking = true
	case !wanted && s.isTicking:
		s.tick.Stop()
		s.isTicking = false
	}
}

// untilRound returns the time until the next round. The rounds of all sessions are at the same times, so that the processor wakes up once
// for all of them.
func untilRound(now time.Time) time.Duration {
	return sendInterval - time.Duration(now.UnixNano())%sendInterval
}

// remove removes a camera from the session.
func (s *session) remove(t *subscription) {
	s.leave(t, false)
	delete(s.cameras, t.camera)
	s.turns = slices.DeleteFunc(s.turns, func(o *subscription) bool { return o == t })
	s.updateTicking()
}

// notify queues a message. Requests and reviews queue few messages before the next send.
func (s *session) notify(m serverMessage) { s.notices = append(s.notices, m) }

func (s *session) notifyError(camera, message string) {
	s.notify(serverMessage{Type: "error", Camera: camera, Message: message})
}
