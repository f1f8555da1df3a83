package capture

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/mjpeg"
)

// damageCheck decodes some of the pictures that pass through, and finds those that are cut off or damaged inside. The first one
// is always decoded. It belongs to the sender.
type damageCheck struct {
	limits   mjpeg.Limits
	schedule checkSchedule
}

// check returns why a picture must not be sent: one of mjpeg.Causes, and what is wrong with it. The cause is empty if
// it may be sent.
func (c *damageCheck) check(jpeg []byte) (cause, detail string) {
	if !c.schedule.due(monotonic()) {
		if c.schedule.trusted() {
			return "", ""
		}
		return mjpeg.Unchecked, ""
	}
	var err error
	cost := cpuTime(func() { err = mjpeg.Verify(jpeg, c.limits) })
	c.schedule.done(monotonic(), cost, err == nil)
	if r, ok := errors.AsType[*mjpeg.RefusedError](err); ok {
		return r.Cause, r.Error()
	}
	return "", ""
}

// Shares of one CPU that decoding may take, in percent.
const (
	usualShare   = 0.5
	suspectShare = 5 // after a damaged picture
)

// provenAfter is how many good pictures in a row end the suspicion against a source.
const provenAfter = 3

// checkSchedule says which pictures are decoded. After a damaged one they are decoded more often, and those that are not
// decoded are not sent, until several in a row were good. Times are of CLOCK_MONOTONIC.
type checkSchedule struct {
	next   int64
	unsure int // how many more good pictures are needed; 0 while the source is trusted
}

func (s *checkSchedule) due(now int64) bool { return now >= s.next }

func (s *checkSchedule) trusted() bool { return s.unsure == 0 }

// done takes the result of decoding a picture, and how much CPU time it took.
func (s *checkSchedule) done(now int64, cost time.Duration, good bool) {
	if good {
		s.unsure = max(0, s.unsure-1)
	} else {
		s.unsure = provenAfter
	}
	share := usualShare
	if !s.trusted() {
		share = suspectShare
	}
	s.next = now + int64(float64(cost)*100/share)
}

// cpuTime is how much CPU time work takes.
func cpuTime(work func()) time.Duration {
	runtime.LockOSThread() // the clock is the thread's
	defer runtime.UnlockOSThread()
	began := threadTime()
	work()
	return threadTime() - began
}

func threadTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic("clock_gettime: " + err.Error()) // the kernel has had it since 2.6
	}
	return time.Duration(ts.Nano())
}
