package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// template holds pictures in the format of c/stamp.h: a comment segment for the stamp, and one byte repeated. That byte differs between
// one frame and the next.
type template [4][]byte

func newTemplate(size int) *template {
	var t template
	for i := range t {
		t[i] = bytes.Repeat([]byte{0x20 + byte(i)}, size)
		copy(t[i], "\xff\xd8\xff\xfe\x00\x1aCAMDBNCH")
		copy(t[i][size-2:], "\xff\xd9")
	}
	return &t
}

// fill writes a picture with a sequence number and a capture time.
func (t *template) fill(picture []byte, seq uint64, captured int64) {
	copy(picture, t[seq%4])
	putStamp(picture, seq, captured)
}

// stamped returns a picture with a sequence number and a capture time, which is valid until the call for seq+4.
func (t *template) stamped(seq uint64, captured int64) []byte {
	putStamp(t[seq%4], seq, captured)
	return t[seq%4]
}

func putStamp(picture []byte, seq uint64, captured int64) {
	binary.NativeEndian.PutUint64(picture[14:], seq)
	binary.NativeEndian.PutUint64(picture[22:], uint64(captured))
}

// monotonic returns the time of the monotonic clock in nanoseconds. The client compares capture times with the same clock.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// schedule calls publish once in each period with a frame's number, from 1, and the time when the frame is due. It returns when timer is
// closed. If it misses a time, that frame is lost. A timer descriptor wakes Go as precisely as a frame in a capture process's pipe
// does. Go's own timers are up to a millisecond late.
func schedule(timer *os.File, start int64, period time.Duration, publish func(seq uint64, captured int64)) {
	var expired [8]byte
	for seq := uint64(0); ; {
		if _, err := timer.Read(expired[:]); err != nil {
			return
		}
		seq += binary.NativeEndian.Uint64(expired[:])
		publish(seq, start+int64(seq-1)*int64(period))
	}
}

// newTimer returns a timer that first expires at start, on the monotonic clock, and then every period.
func newTimer(period time.Duration) (timer *os.File, start int64, err error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, 0, os.NewSyscallError("timerfd_create", err)
	}
	timer, start = os.NewFile(uintptr(fd), "timer"), monotonic()+int64(period)
	spec := unix.ItimerSpec{Interval: unix.NsecToTimespec(int64(period)), Value: unix.NsecToTimespec(start)}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		_ = timer.Close()
		return nil, 0, os.NewSyscallError("timerfd_settime", err)
	}
	return timer, start, nil
}
