package v4l2

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

const driver = "/sys/bus/platform/drivers/vivid"

// unplug removes both cameras of vivid; plug adds them again.
func unplug(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(driver+"/unbind", []byte("vivid.0"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(driver + "/vivid.0"); err != nil {
			plug(t)
		}
	})
}

func plug(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(driver+"/bind", []byte("vivid.0"), 0); err != nil {
		t.Fatal(err)
	}
}

// triggerFault triggers a fault of vivid.
func triggerFault(t testing.TB, device, control string) {
	t.Helper()
	runOrFail(t, "v4l2-ctl", "-d", device, "-c", control+"=1")
}

// waitForLongRetry waits until the next attempt to open an offline camera is more than 10 s away, so that a busy machine has time to
// change something before it. It returns the time of that attempt.
func (d *daemon) waitForLongRetry(id string) (planned time.Time) {
	d.t.Helper()
	var s status
	d.waitForStatus(id+" to wait for more than 10 s", func() bool {
		s = d.status(id)
		return s.Retry != nil && time.Until(*s.Retry) > 10*time.Second
	}, &s)
	return *s.Retry
}

// checkRetriedEarly checks that camd tries to open a camera before the planned time.
func (d *daemon) checkRetriedEarly(id string, planned time.Time) {
	d.t.Helper()
	var s status
	var started float64 // Unix seconds from the kernel, because this test may look late
	d.waitForStatus(id+" to be tried", func() bool {
		s = d.status(id)
		worker, err := procfs.NewProc(s.Worker.PID)
		if s.Worker.PID == 0 || err != nil {
			return false
		}
		stat, err := worker.Stat()
		if err == nil {
			started, err = stat.StartTime()
		}
		return err == nil
	}, &s)
	if started > float64(planned.Unix()) {
		d.t.Errorf("camd tried to open %s at the planned time, not when the device changed", id)
	}
}

func TestUnpluggedCameraComesBack(t *testing.T) {
	d := serve(t, "id: a, source: /dev/video0", "id: b, source: /dev/video1")
	d.waitForState("a", "live")
	d.waitForState("b", "live")
	v := d.watch("a")
	v.next("a live picture", v.live)
	unplug(t)
	d.waitForFailure("a", "disconnected")
	d.waitForFailure("b", "disconnected")
	v.next("the placeholder", v.placeholder)
	d.waitForState("a", "offline/no_device")
	planned := d.waitForLongRetry("a")
	plug(t)
	d.checkRetriedEarly("a", planned)
	s := d.waitForState("a", "live")
	v.next("a live picture again", v.live)
	if s.Counts.Restarts["disconnected"] != 1 {
		t.Errorf("restarts %v", s.Counts.Restarts)
	}
	d.waitForState("b", "live")
}

// camd follows a link in /dev/v4l/by-id to another node, as after the camera was plugged in elsewhere.
func TestCameraFollowsLinkToAnotherNode(t *testing.T) {
	dir := "/dev/v4l/by-id"
	link := filepath.Join(dir, "usb-vendor_camera-video-index0")
	t.Cleanup(func() { os.RemoveAll("/dev/v4l") })
	lead := func(node string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../"+node, link); err != nil {
			t.Fatal(err)
		}
	}
	lead("video0")
	d := serve(t, "id: a, source: "+link)
	s := d.waitForState("a", "live")
	if !hasOpen(s.Worker.PID, "/dev/video0") {
		t.Errorf("the capture process does not have /dev/video0 open")
	}
	unplug(t)
	os.RemoveAll("/dev/v4l") // as udev does with the last link
	d.waitForState("a", "offline/no_device")
	planned := d.waitForLongRetry("a")
	plug(t)
	lead("video1")
	d.checkRetriedEarly("a", planned)
	s = d.waitForState("a", "live")
	if !hasOpen(s.Worker.PID, "/dev/video1") {
		t.Errorf("the capture process does not have /dev/video1 open")
	}
}

// A device node that exists but returns errors is offline by disconnected.
func TestDeadNodeIsOfflineByDisconnected(t *testing.T) {
	d := serve(t, "id: a, source: /dev/video1")
	d.waitForState("a", "live")
	triggerFault(t, "/dev/video1", "disconnect")
	d.waitForState("a", "offline/disconnected")
	unplug(t)
	plug(t)
	d.waitForState("a", "live")
}

func TestStreamErrorsRestartCapture(t *testing.T) {
	d := serve(t, "id: a, source: /dev/video0")
	d.waitForState("a", "live")
	triggerFault(t, "/dev/video0", "inject_v4l2_buf_flag_error")
	if s := d.waitForFrames("a", 20); len(s.Counts.Restarts) > 0 {
		t.Errorf("a damaged picture: restarts %v", s.Counts.Restarts)
	}
	triggerFault(t, "/dev/video0", "inject_fatal_streaming_error")
	d.waitForFailure("a", "disconnected")
	d.waitForState("a", "live")
	d.stop()

	triggerFault(t, "/dev/video0", "inject_vidioc_streamon_error")
	d = serve(t, "id: a, source: /dev/video0")
	d.waitForFailure("a", "bad_stream")
	d.waitForState("a", "live")
}

// A signal makes a read fail on a healthy camera, but no picture is lost. The capture program turns off the signals of Go's runtime, so
// the test sends some.
func TestSignalsLoseNoFrame(t *testing.T) {
	d := serve(t, "id: a, source: /dev/video1, size: 640x360")
	s := d.waitForState("a", "live")
	begun := s.Worker.PID
	goal := s.Counts.Captured + 300
	sent := 0
	d.waitForStatus("300 pictures and 300 signals", func() bool {
		tasks, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(begun), "task", "*"))
		for _, task := range tasks {
			if tid, err := strconv.Atoi(filepath.Base(task)); err == nil && unix.Tgkill(begun, tid, unix.SIGURG) == nil {
				sent++
			}
		}
		s = d.status("a")
		return s.Counts.Captured >= goal && sent >= 300 || s.Worker.PID != begun
	}, &s)
	if s.Worker.PID != begun || len(s.Counts.Restarts) > 0 {
		t.Errorf("process %d, then %d; restarts %v; %d signals", begun, s.Worker.PID, s.Counts.Restarts, sent)
	}
}

// A picture that waited in the driver's queue is as old as the driver says. The queue is full soon after the process
// stopped: its pictures are from the beginning of the time, none from the middle, and then come new ones. On a slow
// machine the process may still be encoding an earlier picture when it reads those, and skips them: then the test tries
// again.
func TestFramesHaveDriverTimestamps(t *testing.T) {
	const held = time.Second // camd replaces a process that is stopped for longer than two
	const tries = 10
	d := serve(t, "id: a, source: /dev/video1, size: 640x480")
	s := d.waitForState("a", "live")
	v := d.watch("a")
	t.Cleanup(func() { _ = testpeer.Signal(s.Worker.PID, syscall.SIGCONT) })
	for range tries {
		v.next("a live picture", v.live)
		begin := time.Now()
		if err := testpeer.Signal(s.Worker.PID, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		testrun.WaitFor(t, "some time to pass", func() bool { return time.Since(begin) > held })
		end := time.Now()
		if err := testpeer.Signal(s.Worker.PID, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		old := 0
		v.next("a new picture", func(p picture) bool {
			if p.captured.After(begin) && p.captured.Before(end.Add(-held/4)) && v.live(p) {
				old++
			}
			return p.captured.After(end)
		})
		if old > 0 {
			return
		}
	}
	t.Errorf("in %d tries, no picture of those that waited has the time at which it was taken", tries)
}
