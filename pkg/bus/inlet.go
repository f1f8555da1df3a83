package bus

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
)

const (
	depth   = 8               // frames that a remote camera's ring holds: readers here are viewers, who want the newest
	remain  = 3 * time.Second // how long a stream is fetched after its last viewer left
	backlog = 3               // frames that may wait behind one before it is passed over
)

// inlet is one rendition of a remote camera as it comes in.
type inlet struct {
	camera  *Camera
	name    string
	subject string
	topic   *broker.Topic
	count   *received

	mu      sync.Mutex
	sub     *nats.Subscription // nil while nobody watches
	watched time.Time          // since when; zero while nobody does
	box     string             // whose frames are taken
	ahead   time.Duration
	off     bool   // its site says that the camera is switched off: a picture that was on its way then is not shown
	from    header // box and stream of the newest frame
	last    uint64 // its number; 0 before the first of a watch and of a stream
	joint   joint
	arrived time.Time // when the newest frame came; zero before the first of a watch
	needy   bool      // viewers have no picture, or a placeholder of this relay's
	shown   time.Time // when the last placeholder of this relay's was
	foreign time.Time // when somebody else's message last came on the camera's subject
	picture []byte    // of the placeholder; nil when it must be drawn
	paused  bool      // the newest frame says that the camera is switched off
	seen    *broker.Frame
	width   int
	height  int

	oversize int // bytes of the newest frame, if they exceed the limit
}

func newInlet(c *Camera, name string, count *received) *inlet {
	return &inlet{
		camera: c, name: name, subject: c.relay.subjects.frames(c.site, c.bare, name), count: count,
		topic: broker.NewTopic(c.id+"/"+name, broker.Options{Depth: depth, Linger: remain, Demand: c.relay.demand, Budget: c.relay.budget}),
	}
}

// source says whose frames are taken, how far that box's clock is from this one's, and whether the camera is switched off.
func (in *inlet) source(box string, ahead time.Duration, off bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.box, in.ahead, in.off = box, ahead, off
}

// settle listens while somebody watches, and reports whether that has changed.
func (in *inlet) settle(conn *nats.Conn, now time.Time) bool {
	wanted := in.topic.Wanted()
	in.mu.Lock()
	defer in.mu.Unlock()
	turned := wanted != !in.watched.IsZero()
	switch {
	case turned && wanted:
		in.watched, in.needy, in.last = now, true, 0
	case turned:
		in.watched, in.arrived, in.needy, in.shown = time.Time{}, time.Time{}, false, time.Time{}
		in.forgetPieces()
		// Old pictures to whoever comes next.
		in.topic.Retire()
	}
	if wanted && in.sub == nil && conn != nil {
		in.listen(conn)
	} else if !wanted && in.sub != nil {
		_ = in.sub.Unsubscribe() // it fails where there is no connection, and then there is nothing to end
		in.sub = nil
	}
	return turned
}

func (in *inlet) listen(conn *nats.Conn) {
	sub, err := conn.Subscribe(in.subject, in.receive)
	if err != nil {
		return // the connection has ended, and the next one listens
	}
	// Room for the largest picture and the next one: beyond it the library drops.
	_ = sub.SetPendingLimits(mostPieces*backlog, 2*in.camera.relay.limits.Bytes)
	in.sub = sub
}

func (in *inlet) deaf() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sub = nil
}

func (in *inlet) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sub != nil {
		_ = in.sub.Unsubscribe()
		in.sub = nil
	}
	in.forgetPieces()
	in.topic.End()
}

func (in *inlet) forgetPieces() { in.joint.reset(&in.camera.relay.unjoined) }

// receive takes a message with a frame or a piece of one. It is called by the subscription's goroutine, and is quick.
func (in *inlet) receive(m *nats.Msg) {
	h, err := readHeader(m.Header, len(m.Data))
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case m.Sub != in.sub: // the end of an earlier watch
	case err != nil:
		in.foreign = time.Now()
		in.camera.relay.refuse(NotUnderstood)
	case h.box != in.box:
		in.foreign = time.Now()
		in.camera.relay.refuse(Stranger)
	default:
		in.take(h, m)
	}
}

// take puts a piece to the others, and deals with a picture that is whole.
func (in *inlet) take(h header, m *nats.Msg) {
	if h.box != in.from.box || h.stream != in.from.stream {
		in.from, in.last = h, 0 // numbers begin anew
		in.forgetPieces()
	}
	if in.joint.seq != 0 && in.joint.seq != h.seq && in.joint.seq > in.last {
		in.pass(in.joint.seq, 0, Incomplete)
	}
	if h.bytes > in.camera.relay.limits.Bytes { // before any memory is taken for it
		in.leaveOut(h)
		return
	}
	old := in.last != 0 && h.seq <= in.last
	if old && !in.needy {
		in.count.repeat()
		in.forgetPieces()
		return
	}
	captured := local(h.taken.Add(in.ahead), time.Now())
	part, jpeg, whole := in.joint.add(h, m.Data, captured, &in.camera.relay.unjoined)
	if !whole {
		return
	}
	switch {
	case old:
		in.count.repeat()
		in.publish(h, part, jpeg, captured)
	case in.behind(m, h.pieces):
		in.pass(h.seq, 0, Overtaken)
	default:
		in.pass(h.seq, len(jpeg), in.publish(h, part, jpeg, captured))
	}
}

// leaveOut counts a frame that is too large, once for all its pieces.
func (in *inlet) leaveOut(h header) {
	in.oversize = h.bytes
	in.forgetPieces()
	if h.seq > in.last {
		in.pass(h.seq, 0, TooLarge)
	}
}

// behind reports whether several newer frames wait already. What waits may be somebody else's messages, and nobody's frames are
// passed over for those.
func (in *inlet) behind(m *nats.Msg, pieces int) bool {
	if time.Since(in.foreign) < time.Second {
		return false
	}
	waiting, _, err := m.Sub.Pending()
	return err == nil && waiting > 1+backlog*pieces // m is among them
}

// pass counts a frame, and those before it that never came.
func (in *inlet) pass(seq uint64, size int, cause string) {
	lost := uint64(0)
	if in.last != 0 {
		lost = seq - in.last - 1
	}
	in.last = seq
	in.count.pass(lost, size, cause)
}

// publish gives a frame to viewers, unless it is no picture; then it returns the cause.
func (in *inlet) publish(h header, part, jpeg []byte, captured time.Time) (cause string) {
	if in.off && h.state == camera.Live {
		return SwitchedOff
	}
	p, err := mjpeg.Normalize(jpeg, in.camera.relay.limits)
	if err != nil {
		return refusal(err)
	}
	if len(p.JPEG) != len(jpeg) {
		part, jpeg = mjpeg.NewPart(p.JPEG, captured)
	}
	f := broker.Frame{Captured: captured, Width: p.Width, Height: p.Height, Placeholder: h.state != camera.Live, Part: part, JPEG: jpeg}
	if paused := h.state == camera.Paused; paused && !in.paused {
		in.seen = nil
		in.topic.Withdraw(f)
	}
	in.paused = h.state == camera.Paused
	if !f.Placeholder {
		in.seen = &f
	}
	in.topic.Publish(f)
	in.oversize = 0
	in.arrived, in.needy, in.width, in.height = time.Now(), false, p.Width, p.Height
	return ""
}

// local is a time as this process would have noted it, had it been there: with a monotonic reading, and not in the future.
func local(taken, now time.Time) time.Time { return now.Add(-max(now.Round(0).Sub(taken), 0)) }
