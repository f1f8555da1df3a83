package capture

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/media"
)

// damageCheck decodes a sample of the JPEGs that are forwarded, to find pictures that are cut off or damaged inside. It always
// decodes the first one. It belongs to the sender.
type damageCheck struct {
	limits   media.Limits
	schedule checkSchedule
}

// check returns why a picture must not be sent: one of media.Causes, and the detail. The cause is empty if the picture may be sent.
func (d *damageCheck) check(jpeg []byte) (cause, detail string) {
	if !d.schedule.isDue(monotonic()) {
		if d.schedule.isTrusted() {
			return "", ""
		}
		return media.Unchecked, ""
	}
	var err error
	cost := cpuTime(func() { err = media.Verify(jpeg, d.limits) })
	d.schedule.record(monotonic(), cost, err == nil)
	if r, ok := errors.AsType[*media.RefusedError](err); ok {
		return r.Cause, r.Error()
	}
	return "", ""
}

// Shares of one CPU that decoding may take, in percent.
const (
	normalCPUShare  = 0.5
	damagedCPUShare = 5 // after a damaged picture
)

// checksUntilTrusted is how many good pictures in a row make a source trusted again.
const checksUntilTrusted = 3

// checkSchedule decides which pictures are decoded. After a damaged picture, more of them are decoded, and only those are sent, until
// checksUntilTrusted in a row were good. Times are of CLOCK_MONOTONIC in nanoseconds.
type checkSchedule struct {
	next       int64
	goodNeeded int // how many more good pictures are needed; 0 while the source is trusted
}

func (c *checkSchedule) isDue(now int64) bool { return now >= c.next }

func (c *checkSchedule) isTrusted() bool { return c.goodNeeded == 0 }

// record records whether a decoded picture was good and how much CPU time decoding took.
func (c *checkSchedule) record(now int64, cost time.Duration, good bool) {
	if good {
		c.goodNeeded = max(0, c.goodNeeded-1)
	} else {
		c.goodNeeded = checksUntilTrusted
	}
	share := normalCPUShare
	if !c.isTrusted() {
		share = damagedCPUShare
	}
	c.next = now + int64(float64(cost)*100/share)
}

// cpuTime calls work and returns how much CPU time it took.
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
