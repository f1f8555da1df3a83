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

// Viewer is a connection to which a topic's frames go. Conn, Topic, Counts and Left are required, and
// nobody else may close Conn.
type Viewer struct {
	Conn   Conn
	Topic  *broker.Topic
	Counts *Counts
	Judge  func(*broker.Frame) Verdict // whether it gets a frame; nil means every one. Called by one goroutine
	Left   func(err error)             // called once, when the connection has been closed; nil error after Close

	WriteTimeout time.Duration // as that of Options, which it goes before; 0 leaves it to that

	raw syscall.RawConn
	fd  uintptr // good until the sender itself closes Conn; RawConn would lock it for each send

	last    uint64        // Seq of the last frame passed
	shown   *broker.Frame // the last frame written, until it has been repeated
	shownAt time.Time
	busy    bool  // a goroutine writes the rest of a frame
	err     error // how that ended
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
		v.last = f.Seq - 1
	}
	return nil
}

// sendNow gives the kernel as much of b as it takes at once, possibly nothing.
func (v *Viewer) sendNow(b []byte) (int, error) {
	n, errno := send(v.fd, b)
	if errno != 0 && errno != syscall.EAGAIN {
		return 0, errno
	}
	v.Counts.Bytes.Add(uint64(n))
	return n, nil
}

// pass notes that the viewer has come to a frame; those between it and the one before were missed.
func (v *Viewer) pass(f *broker.Frame) {
	if missed := f.Seq - v.last - 1; missed > 0 {
		v.Counts.Slow.Add(missed)
	}
	v.last = f.Seq
}

// wrote notes that the viewer has a frame.
func (v *Viewer) wrote(f *broker.Frame, now time.Time) {
	v.Counts.Wrote(f, now)
	v.shown, v.shownAt = f, now
}
