package bus

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
)

const (
	ringDepth          = 8               // frames in a remote camera's ring: its readers are viewers, who want the newest
	subscriptionLinger = 3 * time.Second // how long a stream is received after its last viewer left
	maxBehind          = 3               // if more frames than this wait behind a frame, it is dropped
)

// receiver receives one rendition of a remote camera.
type receiver struct {
	camera  *Camera
	name    string
	subject string
	topic   *broker.Topic
	stats   *receiveStats

	mu              sync.Mutex
	sub             *nats.Subscription // nil while nobody watches
	watchedSince    time.Time          // zero while nobody watches
	instance        string             // the one whose frames are accepted
	clockOffset     time.Duration
	isOff           bool   // the camera's site announces that the camera is turned off: live frames are dropped
	stream          header // instance and stream of the newest frame
	last            uint64 // number of the newest frame; 0 before the first of a watch and of a stream
	reassembler     reassembler
	arrived         time.Time // when the newest frame came; zero before the first of a watch
	waiting         bool      // viewers have no picture yet, or only a placeholder of this relay
	lastPlaceholder time.Time // when this relay last published a placeholder
	lastForeign     time.Time // when the subject last had a message that is not a frame of the instance
	placeholder     placeholder.Cache
	paused          bool // the newest frame's header says that the camera is turned off
	lastLive        *broker.Frame
	frames          media.JPEGFrames
	width           int
	height          int

	oversize int // size in bytes of the newest frame if it exceeds the limit, else 0
}

func newReceiver(c *Camera, name string, count *receiveStats) *receiver {
	return &receiver{
		camera: c, name: name, subject: c.relay.subjects.frames(c.site, c.localID, name), stats: count,
		topic: broker.NewTopic(c.id+"/"+name, broker.Options{Depth: ringDepth, Linger: subscriptionLinger, Demand: c.relay.demand, Budget: c.relay.budget}),
	}
}

// setSource sets the instance whose frames are accepted, what to add to that instance's times, and whether the camera is switched
// off.
func (r *receiver) setSource(instance string, ahead time.Duration, off bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instance, r.clockOffset, r.isOff = instance, ahead, off
}

// updateSubscription subscribes while the topic has demand and unsubscribes otherwise. It reports whether the demand has changed.
func (r *receiver) updateSubscription(conn *nats.Conn, now time.Time) bool {
	wanted := r.topic.Wanted()
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := wanted != !r.watchedSince.IsZero()
	switch {
	case changed && wanted:
		r.watchedSince, r.waiting, r.last = now, true, 0
	case changed:
		r.watchedSince, r.arrived, r.waiting, r.lastPlaceholder = time.Time{}, time.Time{}, false, time.Time{}
		r.resetPieces()
		// The next viewer must not get old pictures.
		r.topic.Expire()
	}
	if wanted && r.sub == nil && conn != nil {
		r.subscribe(conn)
	} else if !wanted && r.sub != nil {
		_ = r.sub.Unsubscribe() // it fails without a connection, and then there is no subscription
		r.sub = nil
	}
	return changed
}

func (r *receiver) subscribe(conn *nats.Conn) {
	sub, err := conn.Subscribe(r.subject, r.handleMessage)
	if err != nil {
		return // the connection has ended; attach subscribes on the next one
	}
	// The library drops messages beyond this: room for the largest picture and the next one.
	_ = sub.SetPendingLimits(maxPieces*maxBehind, 2*r.camera.relay.limits.Bytes)
	r.sub = sub
}

func (r *receiver) dropSubscription() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sub = nil
}

func (r *receiver) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sub != nil {
		_ = r.sub.Unsubscribe()
		r.sub = nil
	}
	r.resetPieces()
	r.topic.End()
}

func (r *receiver) resetPieces() { r.reassembler.reset(&r.camera.relay.pending) }

// handleMessage processes a message with a frame or a piece of one. The subscription's goroutine calls it.
func (r *receiver) handleMessage(m *nats.Msg) {
	h, err := readHeader(m.Header, len(m.Data))
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.Sub != r.sub: // a late message of an earlier watch
	case err != nil:
		r.lastForeign = time.Now()
		r.camera.relay.refuse(NotUnderstood)
	case h.instance != r.instance:
		r.lastForeign = time.Now()
		r.camera.relay.refuse(WrongPublisher)
	default:
		r.handlePiece(h, m)
	}
}

// handlePiece adds a piece to the picture, and publishes and counts a complete one.
func (r *receiver) handlePiece(h header, m *nats.Msg) {
	if h.instance != r.stream.instance || h.stream != r.stream.stream {
		r.stream, r.last = h, 0 // another stream counts separately
		r.resetPieces()
	}
	if r.reassembler.seq != 0 && r.reassembler.seq != h.seq && r.reassembler.seq > r.last {
		r.countFrame(r.reassembler.seq, 0, Incomplete)
	}
	if h.bytes > r.camera.relay.limits.Bytes { // checked before any memory is allocated
		r.dropTooLarge(h)
		return
	}
	old := r.last != 0 && h.seq <= r.last
	if old && !r.waiting {
		r.stats.repeat()
		r.resetPieces()
		return
	}
	captured := localTime(h.taken.Add(r.clockOffset), time.Now())
	part, jpeg, whole := r.reassembler.add(h, m.Data, captured, &r.camera.relay.pending)
	if !whole {
		return
	}
	switch {
	case old:
		r.stats.repeat()
		r.publish(h, part, jpeg, captured)
	case r.isBehind(m, h.pieces):
		r.countFrame(h.seq, 0, Overtaken)
	default:
		r.countFrame(h.seq, len(jpeg), r.publish(h, part, jpeg, captured))
	}
}

// dropTooLarge drops a frame that is too large, and counts it once for all its pieces.
func (r *receiver) dropTooLarge(h header) {
	r.oversize = h.bytes
	r.resetPieces()
	if h.seq > r.last {
		r.countFrame(h.seq, 0, TooLarge)
	}
}

// isBehind reports whether more than maxBehind newer frames are waiting. It returns false if other publishers' messages may be
// waiting, because no frame is dropped for those.
func (r *receiver) isBehind(m *nats.Msg, pieces int) bool {
	if time.Since(r.lastForeign) < time.Second {
		return false
	}
	waiting, _, err := m.Sub.Pending()
	return err == nil && waiting > 1+maxBehind*pieces // m is among them
}

// countFrame counts a frame, and the lost frames before it. cause is empty if the frame was published.
func (r *receiver) countFrame(seq uint64, size int, cause string) {
	lost := uint64(0)
	if r.last != 0 {
		lost = seq - r.last - 1
	}
	r.last = seq
	r.stats.pass(lost, size, cause)
}

// publish checks a frame and publishes it to viewers. It returns the cause if the frame is dropped instead.
func (r *receiver) publish(h header, part, jpeg []byte, captured time.Time) (cause string) {
	if r.isOff && h.state == camera.Live {
		return CameraPaused
	}
	part, p, err := media.NormalizePart(part, jpeg, captured, r.camera.relay.limits)
	if err != nil {
		return refusal(err)
	}
	f := r.frames.Frame(part, p, captured)
	f.Placeholder = h.state != camera.Live
	if paused := h.state == camera.Paused; paused && !r.paused {
		r.lastLive = nil
		r.topic.Withdraw() // f follows, and is a placeholder
	}
	r.paused = h.state == camera.Paused
	if !f.Placeholder {
		r.lastLive = &f
	}
	r.topic.Publish(f)
	r.oversize = 0
	r.arrived, r.waiting, r.width, r.height = time.Now(), false, p.Width, p.Height
	return ""
}

// localTime returns the time taken with a monotonic clock reading, as this process would have noted it. It is never after now.
func localTime(taken, now time.Time) time.Time { return now.Add(-max(now.Round(0).Sub(taken), 0)) }
