package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// If a capture process dies or is stopped, its viewer keeps the connection and gets a placeholder, then live pictures of a new
// process. camd finds a stopped process by its state: the stall_timeout of this test is longer than the test.
func TestDeadCaptureProcessIsReplaced(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera + `
  - {id: victim, source: 'test://?size=320x180&fps=15', stall_timeout: 2m}
`})
	w := d.startStreamChecker("healthy")
	d.waitForState("victim", "live")
	v := watch(t, d.URL+"/cameras/victim/stream.mjpg")
	for _, c := range []struct {
		name   string
		sig    syscall.Signal
		reason string
	}{
		{"killed", syscall.SIGKILL, "worker_crashed"},
		{"aborted", syscall.SIGABRT, "worker_crashed"},
		{"stopped", syscall.SIGSTOP, "worker_hung"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := d.waitForState("victim", "live")
			v.waitFor("a live picture", isLive)
			sent := time.Now()
			killed := d.signalWorker("victim", c.sig)
			card := v.waitFor("the placeholder", func(p picture) bool { return isPlaceholder(p) && p.captured.After(sent) })
			p := v.waitFor("a live picture again", isLive)
			if !p.captured.After(card.captured) {
				t.Errorf("a picture from before, %v, after the placeholder of %v", p.captured, card.captured)
			}
			after := d.waitForCamera("victim", "live with another process, with one more restart counted", func(s state) bool {
				return s.State == "live" && s.Worker.PID != killed && s.Counts.Restarts[c.reason] == before.Counts.Restarts[c.reason]+1
			})
			if isRunning(killed) {
				t.Errorf("process %d still runs beside %d", killed, after.Worker.PID)
			}
			if n := after.Counts.Restarts["timeout"]; n != 0 {
				t.Errorf("%d restarts by a timeout, want none", n)
			}
			w.checkUndisturbed()
		})
	}
}

// A network camera is live again when its server returns at the same address.
func TestCameraIsLiveWhenServerReturns(t *testing.T) {
	t.Parallel()
	rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip})
	d := start(t, options{config: healthyCamera + fmt.Sprintf("  - {id: away, source: %q, stall_timeout: 1s}\n", rtsp.URL())})
	w := d.startStreamChecker("healthy")
	d.waitForState("away", "live")
	v := watch(t, d.URL+"/cameras/away/stream.mjpg")
	for range 3 {
		if _, err := v.read(); err != nil {
			t.Fatal(err)
		}
	}
	rtsp.Stop()
	gone := d.waitForCamera("away", "unreachable", func(s state) bool { return s.State == "offline" && s.Reason == "unreachable" })
	card := v.waitFor("the placeholder", func(p picture) bool { return jpegWidth(p.jpeg) == 320 && p.captured.After(*gone.Since) })
	w.checkUndisturbed()
	rtsp.Start()
	back := d.waitForState("away", "live")
	if n := back.Counts.Restarts["unreachable"]; n != 1 {
		t.Errorf("the outage counts %d times, want once", n)
	}
	if back.Counts.Published < gone.Counts.Published {
		t.Errorf("published %d after %d", back.Counts.Published, gone.Counts.Published)
	}
	v.waitFor("a picture of the camera", func(p picture) bool { return p.captured.After(card.captured) && isJPEG(p.jpeg) })
	w.checkUndisturbed()

	rtsp.StopSending()
	if s := d.waitForState("away", "stalled"); s.Reason != "timeout" {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
	w.checkUndisturbed()
}

// Viewers keep their stream when the camera's picture size changes.
func TestViewersKeepStreamWhenPictureSizeChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []testpeer.Clip{
		{Codec: "h264", Size: "320x240", SecondSize: "640x480"}, {Codec: "h264", Size: "640x480", SecondSize: "320x240"},
		{Codec: "h265", Size: "320x240", SecondSize: "640x480"}, {Codec: "h265", Size: "640x480", SecondSize: "320x240"},
	} {
		t.Run(c.Codec+" to "+c.SecondSize, func(t *testing.T) {
			t.Parallel()
			c.Length = 4 * time.Second
			rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: c})
			d := start(t, options{config: healthyCamera + fmt.Sprintf("  - {id: changing, source: %q, stall_timeout: 2m, open_timeout: 2m}\n", rtsp.URL())})
			w := d.startStreamChecker("healthy")
			d.waitForState("changing", "live")
			v := watch(t, d.URL+"/cameras/changing/stream.mjpg")
			for _, wide := range []int{320, 640, 320} {
				v.waitFor(fmt.Sprintf("%d pixels", wide), func(p picture) bool { return jpegWidth(p.jpeg) == wide })
			}
			for reason, n := range d.camera("changing").Counts.Restarts {
				if n > 0 {
					t.Errorf("%d restarts for %s", n, reason)
				}
			}
			w.checkUndisturbed()
		})
	}
}

// An MJPEG server that closes the connection every few pictures is opened again each time, and the viewer stays connected.
func TestServerThatHangsUpIsOpenedAgain(t *testing.T) {
	t.Parallel()
	web := serveHTTP(t, servePictureTimes(readFile(t, truncateFirstPicture(t, mjpegClip.Make(t), 1)), 20))
	d := start(t, options{config: healthyCamera + fmt.Sprintf("  - {id: short, source: %q}\n", web)})
	w := d.startStreamChecker("healthy")
	v := watch(t, d.URL+"/cameras/short/stream.mjpg")
	s := d.waitForCamera("short", "opened three times", func(s state) bool { return s.Counts.Restarts["disconnected"] >= 2 && s.Counts.Published > 0 })
	if s.Counts.Restarts["worker_crashed"] > 0 {
		t.Errorf("%+v", s)
	}
	v.waitFor("a picture after two disconnections", func(p picture) bool { return isJPEG(p.jpeg) })
	w.checkUndisturbed()
}
