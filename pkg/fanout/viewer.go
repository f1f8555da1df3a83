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

// Viewer is a connection that gets the frames of a topic. Conn, Topic, Counts and OnClose are required. Only the fan-out may close Conn.
type Viewer struct {
	Conn    Conn
	Topic   *broker.Topic
	Counts  *Counts
	Filter  func(*broker.Frame) Decision // whether the viewer gets a frame; nil sends every frame. Only one goroutine calls it
	OnClose func(err error)              // called once, after Conn was closed: with nil after Fanout.Close, broker.ErrEnded if the topic ended, else why writing failed

	WriteTimeout time.Duration // overrides Options.WriteTimeout unless it is 0

	raw syscall.RawConn
	fd  uintptr // valid until the sender closes Conn; sending by RawConn would take its lock for each frame

	lastSeq     uint64        // Seq of the last frame passed
	lastFrame   *broker.Frame // the last frame written; nil once it was repeated
	lastFrameAt time.Time
	busy        bool         // a goroutine works on pending
	pending     pendingWrite // belongs to that goroutine while busy
	err         error        // why writing failed; belongs to that goroutine while busy
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

// advanceTo records that the viewer has passed frame f. It counts the frames since the last one passed as dropped.
func (v *Viewer) advanceTo(f *broker.Frame) {
	if missed := f.Seq - v.lastSeq - 1; missed > 0 {
		v.Counts.DroppedSlow.Add(missed)
	}
	v.lastSeq = f.Seq
}

// recordSent records that the viewer got all of frame f at now.
func (v *Viewer) recordSent(f *broker.Frame, now time.Time) {
	v.Counts.CountSent(f, now)
	v.lastFrame, v.lastFrameAt = f, now
}
