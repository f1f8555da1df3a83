package capture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/camera"
)

// USB cameras fail in ways in which no driver of the lab fails.
func TestStreamFailureExplainsErrno(t *testing.T) {
	cases := []struct {
		errno  unix.Errno
		reason camera.Reason
		says   string
	}{
		{unix.ENOSPC, camera.Bandwidth, "not enough bandwidth for /dev/video0"},
		{unix.EBUSY, camera.Busy, "/dev/video0 is busy"},
		{unix.ENODEV, camera.NoDevice, "the device of /dev/video0 is gone"},
		{unix.ENOMEM, camera.BadStream, "no memory"},
		{unix.EINVAL, "", ""},
		{0, "", ""},
	}
	for _, c := range cases {
		err := fmt.Errorf("ioctl: %w", c.errno)
		if c.errno == 0 {
			err = nil
		}
		f := streamFailure("/dev/video0", err)
		if (f == nil) != (c.reason == "") || f != nil && (f.reason != c.reason || !strings.Contains(f.detail, c.says)) {
			t.Errorf("%v: got %+v, want %s: %s", c.errno, f, c.reason, c.says)
		}
	}
}

// A driver's time is used only if it is plausible.
func TestCaptureTimeTrustsOnlyPlausibleDriverTimes(t *testing.T) {
	const now = int64(100 * time.Second)
	at := func(d time.Duration) int64 { return now - int64(d) }
	ms := func(t int64) float64 { return float64(t) / 1e6 }
	cases := []struct {
		name   string
		driver float64
		last   int64
		want   int64
	}{
		{"just before", ms(at(20 * time.Millisecond)), at(time.Second), at(20 * time.Millisecond)},
		{"now", ms(now), at(time.Second), now},
		{"none", 0, at(time.Second), now},
		{"minus one", -1, at(time.Second), now},
		{"wall clock", 1.7e12, at(time.Second), now},
		{"since it was turned on", ms(int64(time.Second)), at(time.Second), now},
		{"long ago", ms(at(time.Minute)), at(2 * time.Minute), now},
		{"the same again", ms(at(time.Second)), at(time.Second), now},
	}
	for _, c := range cases {
		if got := captureTime(c.driver, c.last, now); got != c.want {
			t.Errorf("%s: got %v before, want %v", c.name, time.Duration(now-got), time.Duration(now-c.want))
		}
	}
}
