package fanout

import (
	"net"
	"syscall"
	"time"

	"camd/pkg/broker"
)

// Conn is a connection whose descriptor can be written to: *net.TCPConn, *net.UnixConn.
type Conn interface {
	net.Conn
	syscall.Conn
}

// Muxer makes the bytes that one viewer gets of the frames of a topic of video. Only one goroutine at a time calls its methods.
type Muxer interface {
	// Mux returns the bytes of a frame: a head for this viewer alone, and the rest, which all viewers share. They are valid until
	// the next call. An error ends the stream before this frame.
	Mux(f *broker.Frame) (head, rest []byte, err error)
	// Sent records that the viewer has got the beginning of the frame of the last Mux. Without it, the viewer never gets that frame.
	Sent()
}

// Viewer is a connection that gets the frames of a topic. Conn, Topic, Counts and OnClose are required. Only the fan-out may close Conn.
type Viewer struct {
	Conn    Conn
	Topic   *broker.Topic
	Counts  *Counts
	Filter  func(*broker.Frame) Decision // whether the viewer gets a frame; nil sends every frame. Only one goroutine calls it
	OnClose func(err error)              // called once, after Conn was closed: with nil after Fanout.Close, broker.ErrEnded if the topic ended, else why writing failed

	// Period is how far apart the viewer's frames may be; 0 means every frame. The topic's publisher learns the shortest period of all
	// viewers. The viewer gets what is published for others as well, unless its Filter refuses it. A viewer of video needs every frame:
	// its Period must be 0.
	Period time.Duration

	// Muxer makes the stream of a viewer of video, which reads in mode broker.Decodable. nil is for pictures: the viewer gets the
	// newest frame's Wire as it is, and may miss any frame.
	Muxer Muxer

	WriteTimeout time.Duration // overrides Options.WriteTimeout unless it is 0

	raw syscall.RawConn
	fd  uintptr // valid until the sender closes Conn; sending by RawConn would take its lock for each frame

	lastSeq     uint64        // Seq of the last frame passed
	lastFrame   *broker.Frame // the last frame written; nil once it was repeated
	lastFrameAt time.Time     // when a frame was sent, or when the viewer was added
	video       videoState    // of a viewer with a Muxer
	busy        bool          // a goroutine works on pending
	pending     pendingWrite  // belongs to that goroutine while busy
	err         error         // why writing failed; belongs to that goroutine while busy
}

// prepare gets the connection's descriptor, and lets the viewer start at the topic's newest frame.
func (v *Viewer) prepare() error {
	raw, err := v.Conn.SyscallConn()
	if err != nil {
		return err
	}
	v.raw = raw
	if err := raw.Control(func(fd uintptr) { v.fd = fd }); err != nil {
		return err
	}
	if v.lastFrameAt = time.Now(); v.Muxer != nil {
		v.video.subscribe(v.Topic)
		return nil
	}
	v.lastSeq = v.Topic.Published() // of these the viewer wants none but the newest, and nothing if that is hidden
	if f := v.Topic.Newest(); f != nil {
		v.lastSeq = f.Seq - 1
	}
	return nil
}

// trySend passes as much of b to the kernel as it takes without waiting, and returns how many bytes that was, possibly 0.
func (v *Viewer) trySend(b []byte) (int, error) {
	n, errno := send(v.fd, b)
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	v.Counts.Bytes.Add(uint64(n))
	return n, nil
}

// advanceTo records that the viewer has passed frame f. It counts the frames since the last one passed as dropped. The subscription of
// a viewer of video does that.
func (v *Viewer) advanceTo(f *broker.Frame) {
	if v.Muxer != nil {
		return
	}
	if missed := f.Seq - v.lastSeq - 1; missed > 0 {
		v.Counts.DroppedSlow.Add(missed)
	}
	v.lastSeq = f.Seq
}

// recordSent records that the viewer got all of frame f at now.
func (v *Viewer) recordSent(f *broker.Frame, now time.Time) {
	v.Counts.CountSent(f, now)
	v.lastFrameAt = now
	if v.Muxer == nil {
		v.lastFrame = f
	}
}

// hasAge reports whether the age of frame f at the viewer means something. A placeholder may have been drawn hours ago, and a viewer of
// video begins with frames that are older than its connection.
func (v *Viewer) hasAge(f *broker.Frame) bool { return !f.Placeholder && f.Seq > v.video.joinedAt }
