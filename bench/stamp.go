package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// template makes the pictures of c/stamp.h: a comment segment to be stamped, and one byte repeated, which differs
// between a frame and the next.
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

// fill fills a picture.
func (t *template) fill(picture []byte, seq uint64, captured int64) {
	copy(picture, t[seq%4])
	binary.NativeEndian.PutUint64(picture[14:], seq)
	binary.NativeEndian.PutUint64(picture[22:], uint64(captured))
}

// monotonic is the clock that the client compares capture times with.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// schedule calls publish fps times a second with a frame's number, from 1, and the time when it is due, until its timer is
// closed; a time that it misses is a frame lost. A timer descriptor wakes Go as precisely as a frame in a capture
// process's pipe does; Go's own timers are up to a millisecond late.
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
