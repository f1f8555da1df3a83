package bus

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// sender sends one rendition of a local camera to the bus while somebody watches it there.
type sender struct {
	subject         string
	from            string // who sends, and which of its streams this is
	topic           *broker.Topic
	state           func() camera.State
	connection      *connection
	repeatRequested chan struct{} // somebody has no picture yet; has room for one
	stop            context.CancelFunc
	done            chan struct{}
	count           *sendStats
	sizeError       error     // the newest frame was too large
	repeatedAt      time.Time // when a frame was last sent once more
}

// sendStats counts what became of a rendition's frames. It outlives its senders.
type sendStats struct {
	mu       sync.Mutex
	passed   uint64
	frames   uint64
	bytes    uint64
	repeated uint64
	dropped  map[string]uint64
}

func newSendStats() *sendStats { return &sendStats{dropped: map[string]uint64{}} }

// pass notes what became of a frame and of those between it and the last one: cause is empty for one that was sent.
func (s *sendStats) pass(overtaken uint64, bytes int, cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed += overtaken + 1
	if overtaken > 0 {
		s.dropped[Overtaken] += overtaken
	}
	if cause != "" {
		s.dropped[cause]++
		return
	}
	s.frames++
	s.bytes += uint64(bytes)
}

// start starts sending, which ends with ctx or stop; then it calls ended.
func (s *sender) start(ctx context.Context, onEnd func()) {
	ctx, s.stop = context.WithCancel(ctx)
	s.repeatRequested, s.done = make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer onEnd()
		defer close(s.done)
		defer s.stop()
		s.run(ctx)
	}()
}

// isDone reports whether sending has ended.
func (s *sender) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// requestRepeat sends the newest frame once more, soon.
func (s *sender) requestRepeat() {
	select {
	case s.repeatRequested <- struct{}{}:
	default:
	}
}

// run sends frames until ctx or the topic ends. It reads the ring as a viewer does: while a write blocks, frames pass by.
func (s *sender) run(ctx context.Context) {
	sub := s.topic.Subscribe(broker.Latest)
	defer sub.Close()
	var last, passedOver uint64
	var repeatTimer <-chan time.Time
	for {
		// Take the channel before TryNext: a Publish that TryNext does not see has yet to close it.
		updated := sub.Updated()
		f := sub.TryNext()
		if f != nil {
			dropped := sub.Stats().Dropped
			overtaken := dropped - passedOver
			last, passedOver = f.Seq, dropped
			s.count.pass(overtaken, len(f.JPEG), dropCause(s.send(f)))
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-updated:
		case <-s.repeatRequested:
			// Whoever asks again and again has the frame sent once in a while.
			if repeatTimer == nil {
				repeatTimer = time.After(repeatInterval - time.Since(s.repeatedAt))
			}
		case <-repeatTimer:
			repeatTimer = nil
			s.repeatNewest(last)
		case <-sub.Ended():
			return
		case <-ctx.Done():
			return
		}
	}
}

// repeatInterval is how long a frame that was sent once more is not sent another time.
const repeatInterval = pollInterval

// repeatNewest sends the frame that was sent last to those who came later, unless a newer one is about to be.
func (s *sender) repeatNewest(last uint64) {
	s.repeatedAt = time.Now()
	f := s.topic.Newest()
	if f == nil || f.Seq != last || s.send(f) != nil {
		return
	}
	s.count.mu.Lock()
	s.count.repeated++
	s.count.mu.Unlock()
}

var (
	errDisconnected = errors.New("no connection")
	errTooLarge     = errors.New("too large")
)

func dropCause(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errDisconnected), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		return Disconnected
	case errors.Is(err, errTooLarge), errors.Is(err, nats.ErrMaxPayload):
		return TooLarge
	}
	return Failed
}

// send hands a frame to the connection, in pieces if need be. It blocks while the server takes nothing, up to writeTimeout.
func (s *sender) send(f *broker.Frame) error {
	conn, maxPayload := s.connection.ready()
	if conn == nil {
		return errDisconnected
	}
	pieces, size, err := splitFrame(len(f.JPEG), maxPayload)
	if err != nil {
		s.connection.reportProblem(err)
		s.sizeError = err
		return errTooLarge
	}
	if s.sizeError != nil {
		s.connection.clearProblem(s.sizeError)
		s.sizeError = nil
	}
	state := camera.Live
	if f.Placeholder {
		state = s.state()
	}
	h := frameHeader(f, s.from, state, pieces)
	for i, rest := 1, f.JPEG; i <= pieces; i++ {
		piece := rest[:min(size, len(rest))]
		rest = rest[len(piece):]
		if i > 1 {
			h[headerPiece] = []string{strconv.Itoa(i) + "/" + strconv.Itoa(pieces)}
		}
		if err := conn.PublishMsg(&nats.Msg{Subject: s.subject, Header: h, Data: piece}); err != nil {
			return err
		}
	}
	return nil
}
