// Package damagecheck finds pictures that are cut off or damaged inside, by decoding a sample of them.
package damagecheck

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/media"
)

// Check decodes a sample of the JPEGs of one source that are forwarded. It always decodes the first one. After a damaged picture, it decodes
// more of them, and refuses those that it does not decode, until three in a row were good. It is not safe for concurrent use.
type Check struct {
	limits   media.Limits
	schedule checkSchedule
	began    time.Time
}

// New returns a Check for the pictures of one source.
func New(limits media.Limits) *Check { return &Check{limits: limits, began: time.Now()} }

// Refuse returns why a picture must not be sent: one of media.Causes, and the detail for people. The cause is empty if the picture may be
// sent. isWatched says that somebody watches the source: then more pictures are decoded.
func (c *Check) Refuse(jpeg []byte, isWatched bool) (cause, detail string) {
	if !c.schedule.isDue(c.now()) {
		if c.schedule.isTrusted() {
			return "", ""
		}
		return media.Unchecked, ""
	}
	var err error
	cost := cpuTime(func() { err = media.Verify(jpeg, c.limits) })
	c.schedule.record(c.now(), cost, err == nil, isWatched)
	if r, ok := errors.AsType[*media.RefusedError](err); ok {
		return r.Cause, r.Error()
	}
	return "", ""
}

// now returns the time since New.
func (c *Check) now() time.Duration { return time.Since(c.began) }

// Shares of one CPU that decoding may take, in percent.
const (
	normalCPUShare    = 0.2
	unwatchedCPUShare = 0.1 // while nobody watches
	damagedCPUShare   = 5   // after a damaged picture
)

// checksUntilTrusted is how many good pictures in a row make a source trusted again.
const checksUntilTrusted = 3

// checkSchedule decides which pictures are decoded. After a damaged picture, more of them are decoded, and only those are sent, until
// checksUntilTrusted in a row were good.
type checkSchedule struct {
	next       time.Duration
	goodNeeded int // how many more good pictures are needed; 0 while the source is trusted
}

func (c *checkSchedule) isDue(now time.Duration) bool { return now >= c.next }

func (c *checkSchedule) isTrusted() bool { return c.goodNeeded == 0 }

// record records whether a decoded picture was good and how much CPU time decoding took.
func (c *checkSchedule) record(now, cost time.Duration, good, isWatched bool) {
	if good {
		c.goodNeeded = max(0, c.goodNeeded-1)
	} else {
		c.goodNeeded = checksUntilTrusted
	}
	share := normalCPUShare
	switch {
	case !c.isTrusted():
		share = damagedCPUShare
	case !isWatched:
		share = unwatchedCPUShare
	}
	c.next = now + time.Duration(float64(cost)*100/share)
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
