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

// outlet sends one rendition of a local camera to the bus while somebody watches it there.
type outlet struct {
	subject    string
	from       string // who sends, and which of its streams this is
	topic      *broker.Topic
	state      func() camera.State
	link       *link
	fresh      chan struct{} // somebody has no picture yet; has room for one
	stop       context.CancelFunc
	done       chan struct{}
	count      *sent
	large      error     // the newest frame was too large
	repeatedAt time.Time // when a frame was last sent once more
}

// sent counts what became of a rendition's frames. It outlives its outlets.
type sent struct {
	mu       sync.Mutex
	passed   uint64
	frames   uint64
	bytes    uint64
	repeated uint64
	dropped  map[string]uint64
}

func newSent() *sent { return &sent{dropped: map[string]uint64{}} }

// pass notes what became of a frame and of those between it and the last one: cause is empty for one that was sent.
func (s *sent) pass(overtaken uint64, bytes int, cause string) {
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

// begin starts sending, which ends with ctx or stop; then it calls ended.
func (o *outlet) begin(ctx context.Context, ended func()) {
	ctx, o.stop = context.WithCancel(ctx)
	o.fresh, o.done = make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer ended()
		defer close(o.done)
		defer o.stop()
		o.run(ctx)
	}()
}

// over reports whether sending has ended.
func (o *outlet) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// repeat sends the newest frame once more, soon.
func (o *outlet) repeat() {
	select {
	case o.fresh <- struct{}{}:
	default:
	}
}

// run sends frames until ctx or the topic ends. It reads the ring as a viewer does: while a write blocks, frames pass by.
func (o *outlet) run(ctx context.Context) {
	sub := o.topic.Subscribe(broker.Latest)
	defer sub.Close()
	var last, passedOver uint64
	var later <-chan time.Time
	for {
		// Take the bell before looking: a Publish that the look fails to see has yet to ring it.
		bell := sub.Bell()
		f := sub.TryNext()
		if f != nil {
			dropped := sub.Stats().Dropped
			overtaken := dropped - passedOver
			last, passedOver = f.Seq, dropped
			o.count.pass(overtaken, len(f.JPEG), cause(o.send(f)))
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-bell:
		case <-o.fresh:
			// Whoever asks again and again has the frame sent once in a while.
			if later == nil {
				later = time.After(repeatEvery - time.Since(o.repeatedAt))
			}
		case <-later:
			later = nil
			o.sendAgain(last)
		case <-sub.Ended():
			return
		case <-ctx.Done():
			return
		}
	}
}

// repeatEvery is how long a frame that was sent once more is not sent another time.
const repeatEvery = glance

// sendAgain sends the frame that was sent last to those who came later, unless a newer one is about to be.
func (o *outlet) sendAgain(last uint64) {
	o.repeatedAt = time.Now()
	f := o.topic.Newest()
	if f == nil || f.Seq != last || o.send(f) != nil {
		return
	}
	o.count.mu.Lock()
	o.count.repeated++
	o.count.mu.Unlock()
}

var (
	errDown  = errors.New("no connection")
	errLarge = errors.New("too large")
)

func cause(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errDown), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		return Disconnected
	case errors.Is(err, errLarge), errors.Is(err, nats.ErrMaxPayload):
		return TooLarge
	}
	return Failed
}

// send hands a frame to the connection, in pieces if need be. It blocks while the server takes nothing, up to writePatience.
func (o *outlet) send(f *broker.Frame) error {
	conn, maxPayload := o.link.ready()
	if conn == nil {
		return errDown
	}
	pieces, size, err := cut(len(f.JPEG), maxPayload)
	if err != nil {
		o.link.trouble(err)
		o.large = err
		return errLarge
	}
	if o.large != nil {
		o.link.relieve(o.large)
		o.large = nil
	}
	state := camera.Live
	if f.Placeholder {
		state = o.state()
	}
	h := headerOf(f, o.from, state, pieces)
	for i, rest := 1, f.JPEG; i <= pieces; i++ {
		piece := rest[:min(size, len(rest))]
		rest = rest[len(piece):]
		if i > 1 {
			h[headerPiece] = []string{strconv.Itoa(i) + "/" + strconv.Itoa(pieces)}
		}
		if err := conn.PublishMsg(&nats.Msg{Subject: o.subject, Header: h, Data: piece}); err != nil {
			return err
		}
	}
	return nil
}
