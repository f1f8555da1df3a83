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

// Viewer is a connection to which a topic's frames go. Conn, Topic, Counts and OnClose are required, and
// nobody else may close Conn.
type Viewer struct {
	Conn    Conn
	Topic   *broker.Topic
	Counts  *Counts
	Filter  func(*broker.Frame) Decision // whether it gets a frame; nil means every one. Called by one goroutine
	OnClose func(err error)              // called once, when the connection has been closed; nil error after Close

	WriteTimeout time.Duration // overrides that of Options; 0 means that of Options

	raw syscall.RawConn
	fd  uintptr // good until the sender itself closes Conn; RawConn would lock it for each send

	lastSeq     uint64        // Seq of the last frame passed
	lastFrame   *broker.Frame // the last frame written, until it has been repeated
	lastFrameAt time.Time
	busy        bool         // a goroutine writes the rest of a frame
	pending     pendingWrite // that write; the goroutine's while busy
	err         error        // how that ended
}

// prepare makes the viewer ready to be sent to, from the newest frame on.
func (v *Viewer) prepare() error {
	raw, err := v.Conn.SyscallConn()
	if err != nil {
		return err
	}
	v.raw = raw
	if err := raw.Control(func(fd uintptr) { v.fd = fd }); err != nil {
		return err
	}
	if f := v.Topic.Newest(); f != nil {
		v.lastSeq = f.Seq - 1
	}
	return nil
}

// trySend gives the kernel as much of b as it takes at once, possibly nothing.
func (v *Viewer) trySend(b []byte) (int, error) {
	n, errno := send(v.fd, b)
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	v.Counts.Bytes.Add(uint64(n))
	return n, nil
}

// advanceTo records that the viewer has passed a frame; those between it and the one before were missed.
func (v *Viewer) advanceTo(f *broker.Frame) {
	if missed := f.Seq - v.lastSeq - 1; missed > 0 {
		v.Counts.DroppedSlow.Add(missed)
	}
	v.lastSeq = f.Seq
}

// recordSent records that the viewer has a frame.
func (v *Viewer) recordSent(f *broker.Frame, now time.Time) {
	v.Counts.CountSent(f, now)
	v.lastFrame, v.lastFrameAt = f, now
}
