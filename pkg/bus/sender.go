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

// sender sends one rendition of a local camera to the bus while relays want it.
type sender struct {
	subject         string
	from            string // this instance, a slash and the stream's number
	topic           *broker.Topic
	state           func() camera.State
	connection      *connection
	repeatRequested chan struct{} // a viewer has no picture yet; has room for one request
	stop            context.CancelFunc
	done            chan struct{}
	count           *sendStats
	sizeError       error     // set if the newest frame was too large
	repeatedAt      time.Time // when a frame was last repeated
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

// pass counts a frame, and the overtaken frames before it. cause is empty if the frame was sent.
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

// start starts sending in a goroutine. Sending ends with ctx or stop, and then calls onEnd.
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

// requestRepeat makes the sender send the newest frame again soon. It does not block.
func (s *sender) requestRepeat() {
	select {
	case s.repeatRequested <- struct{}{}:
	default:
	}
}

// run sends frames until ctx or the topic ends. It reads the ring as a viewer does: it skips the frames that are published while
// a write blocks.
func (s *sender) run(ctx context.Context) {
	// At full rate, because relays do not say how often their viewers need a frame. So a snapshot at a relay counts as a viewer.
	sub := s.topic.Subscribe(broker.Latest)
	defer sub.Close()
	var last, passedOver uint64
	var repeatTimer <-chan time.Time
	for {
		// Take the channel before TryNext: a Publish that TryNext does not see has yet to close it.
		updated := sub.Updated()
		f := sub.TryNext()
		if f != nil {
			dropped := sub.Stats().Dropped.Total()
			overtaken := dropped - passedOver
			last, passedOver = f.Seq, dropped
			s.count.pass(overtaken, len(f.Data), dropCause(s.send(f)))
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-updated:
		case <-s.repeatRequested:
			// Many requests cause at most one repetition per repeatInterval.
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

// repeatInterval is the least time between two repetitions.
const repeatInterval = pollInterval

// repeatNewest sends the frame with number last again, for viewers that came later. It does nothing if the ring has a newer one,
// which will be sent anyway.
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

// send hands a frame to the connection, in pieces if necessary. It blocks while the server accepts nothing, up to writeTimeout.
func (s *sender) send(f *broker.Frame) error {
	conn, maxPayload := s.connection.ready()
	if conn == nil {
		return errDisconnected
	}
	pieces, size, err := splitFrame(len(f.Data), maxPayload)
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
	for i, rest := 1, f.Data; i <= pieces; i++ {
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
