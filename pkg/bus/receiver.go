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
	ringDepth          = 8               // frames that a remote camera's ring holds: readers here are viewers, who want the newest
	subscriptionLinger = 3 * time.Second // how long a stream is fetched after its last viewer left
	maxBehind          = 3               // frames that may wait behind one before it is passed over
)

// receiver is one rendition of a remote camera as it comes in.
type receiver struct {
	camera  *Camera
	name    string
	subject string
	topic   *broker.Topic
	stats   *receiveStats

	mu              sync.Mutex
	sub             *nats.Subscription // nil while nobody watches
	watchedSince    time.Time          // since when; zero while nobody does
	instance        string             // whose frames are taken
	clockOffset     time.Duration
	isOff           bool   // its site says that the camera is switched off: a picture that was on its way then is not shown
	stream          header // instance and stream of the newest frame
	last            uint64 // its number; 0 before the first of a watch and of a stream
	reassembler     reassembler
	arrived         time.Time // when the newest frame came; zero before the first of a watch
	waiting         bool      // viewers have no picture, or a placeholder of this relay's
	lastPlaceholder time.Time // when the last placeholder of this relay's was
	lastForeign     time.Time // when somebody else's message last came on the camera's subject
	placeholder     placeholder.Cache
	paused          bool // the newest frame says that the camera is switched off
	lastLive        *broker.Frame
	width           int
	height          int

	oversize int // bytes of the newest frame, if they exceed the limit
}

func newReceiver(c *Camera, name string, count *receiveStats) *receiver {
	return &receiver{
		camera: c, name: name, subject: c.relay.subjects.frames(c.site, c.localID, name), stats: count,
		topic: broker.NewTopic(c.id+"/"+name, broker.Options{Depth: ringDepth, Linger: subscriptionLinger, Demand: c.relay.demand, Budget: c.relay.budget}),
	}
}

// setSource says whose frames are taken, how far that instance's clock is from this one's, and whether the camera is switched off.
func (in *receiver) setSource(instance string, ahead time.Duration, off bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.instance, in.clockOffset, in.isOff = instance, ahead, off
}

// updateSubscription subscribes while somebody watches, and reports whether that has changed.
func (in *receiver) updateSubscription(conn *nats.Conn, now time.Time) bool {
	wanted := in.topic.Wanted()
	in.mu.Lock()
	defer in.mu.Unlock()
	changed := wanted != !in.watchedSince.IsZero()
	switch {
	case changed && wanted:
		in.watchedSince, in.waiting, in.last = now, true, 0
	case changed:
		in.watchedSince, in.arrived, in.waiting, in.lastPlaceholder = time.Time{}, time.Time{}, false, time.Time{}
		in.resetPieces()
		// Old pictures to whoever comes next.
		in.topic.Expire()
	}
	if wanted && in.sub == nil && conn != nil {
		in.subscribe(conn)
	} else if !wanted && in.sub != nil {
		_ = in.sub.Unsubscribe() // it fails where there is no connection, and then there is nothing to end
		in.sub = nil
	}
	return changed
}

func (in *receiver) subscribe(conn *nats.Conn) {
	sub, err := conn.Subscribe(in.subject, in.handleMessage)
	if err != nil {
		return // the connection has ended, and the next one listens
	}
	// Room for the largest picture and the next one: beyond it the library drops.
	_ = sub.SetPendingLimits(maxPieces*maxBehind, 2*in.camera.relay.limits.Bytes)
	in.sub = sub
}

func (in *receiver) dropSubscription() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sub = nil
}

func (in *receiver) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sub != nil {
		_ = in.sub.Unsubscribe()
		in.sub = nil
	}
	in.resetPieces()
	in.topic.End()
}

func (in *receiver) resetPieces() { in.reassembler.reset(&in.camera.relay.pending) }

// handleMessage takes a message with a frame or a piece of one. It is called by the subscription's goroutine, and is quick.
func (in *receiver) handleMessage(m *nats.Msg) {
	h, err := readHeader(m.Header, len(m.Data))
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case m.Sub != in.sub: // the end of an earlier watch
	case err != nil:
		in.lastForeign = time.Now()
		in.camera.relay.refuse(NotUnderstood)
	case h.instance != in.instance:
		in.lastForeign = time.Now()
		in.camera.relay.refuse(WrongPublisher)
	default:
		in.handlePiece(h, m)
	}
}

// handlePiece puts a piece to the others, and deals with a picture that is whole.
func (in *receiver) handlePiece(h header, m *nats.Msg) {
	if h.instance != in.stream.instance || h.stream != in.stream.stream {
		in.stream, in.last = h, 0 // numbers begin anew
		in.resetPieces()
	}
	if in.reassembler.seq != 0 && in.reassembler.seq != h.seq && in.reassembler.seq > in.last {
		in.countFrame(in.reassembler.seq, 0, Incomplete)
	}
	if h.bytes > in.camera.relay.limits.Bytes { // before any memory is taken for it
		in.dropTooLarge(h)
		return
	}
	old := in.last != 0 && h.seq <= in.last
	if old && !in.waiting {
		in.stats.repeat()
		in.resetPieces()
		return
	}
	captured := localTime(h.taken.Add(in.clockOffset), time.Now())
	part, jpeg, whole := in.reassembler.add(h, m.Data, captured, &in.camera.relay.pending)
	if !whole {
		return
	}
	switch {
	case old:
		in.stats.repeat()
		in.publish(h, part, jpeg, captured)
	case in.isBehind(m, h.pieces):
		in.countFrame(h.seq, 0, Overtaken)
	default:
		in.countFrame(h.seq, len(jpeg), in.publish(h, part, jpeg, captured))
	}
}

// dropTooLarge counts a frame that is too large, once for all its pieces.
func (in *receiver) dropTooLarge(h header) {
	in.oversize = h.bytes
	in.resetPieces()
	if h.seq > in.last {
		in.countFrame(h.seq, 0, TooLarge)
	}
}

// isBehind reports whether several newer frames wait already. What waits may be somebody else's messages, and nobody's frames are
// passed over for those.
func (in *receiver) isBehind(m *nats.Msg, pieces int) bool {
	if time.Since(in.lastForeign) < time.Second {
		return false
	}
	waiting, _, err := m.Sub.Pending()
	return err == nil && waiting > 1+maxBehind*pieces // m is among them
}

// countFrame counts a frame, and those before it that never came.
func (in *receiver) countFrame(seq uint64, size int, cause string) {
	lost := uint64(0)
	if in.last != 0 {
		lost = seq - in.last - 1
	}
	in.last = seq
	in.stats.pass(lost, size, cause)
}

// publish gives a frame to viewers, unless it is no picture; then it returns the cause.
func (in *receiver) publish(h header, part, jpeg []byte, captured time.Time) (cause string) {
	if in.isOff && h.state == camera.Live {
		return SwitchedOff
	}
	part, p, err := media.NormalizePart(part, jpeg, captured, in.camera.relay.limits)
	if err != nil {
		return refusal(err)
	}
	f := broker.Frame{Captured: captured, Width: p.Width, Height: p.Height, Placeholder: h.state != camera.Live, Part: part, JPEG: p.JPEG}
	if paused := h.state == camera.Paused; paused && !in.paused {
		in.lastLive = nil
		in.topic.Withdraw(f)
	}
	in.paused = h.state == camera.Paused
	if !f.Placeholder {
		in.lastLive = &f
	}
	in.topic.Publish(f)
	in.oversize = 0
	in.arrived, in.waiting, in.width, in.height = time.Now(), false, p.Width, p.Height
	return ""
}

// localTime is a time as this process would have noted it, had it been there: with a monotonic reading, and not in the future.
func localTime(taken, now time.Time) time.Time { return now.Add(-max(now.Round(0).Sub(taken), 0)) }
