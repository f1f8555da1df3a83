package source

import (
	"errors"
	"net"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/tlsverify"
)

// unknownVideo describes a stream of a codec that the Go reader does not carry.
const unknownVideo = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:video\r\n"

// reader says what reads the camera now.
func (s *supervisor) reader() string {
	switch {
	case s.usesReader():
		return "go"
	case s.startMessage().Reader == options.ReaderOpenCV:
		return "decode"
	}
	return "packets"
}

func TestReadersAreTriedInOrder(t *testing.T) {
	fingerprint := tlsverify.Options{Fingerprint: "00"}
	for _, tt := range []struct {
		name, source string
		capture      options.Capture
		lookupFailed bool
		want         []string
	}{
		{"auto", "rtsp://192.0.2.1/a", options.Capture{Reader: options.ReaderAuto}, false, []string{"go", "packets", "decode"}},
		{"default", "http://192.0.2.1/a", options.Capture{}, false, []string{"go", "packets", "decode"}},
		{"only Go", "rtsp://192.0.2.1/a", options.Capture{Reader: options.ReaderGo}, false, []string{"go"}},
		{"only Go, name not found", "rtsp://cam.local/a", options.Capture{Reader: options.ReaderGo}, true, []string{"go"}},
		{"only OpenCV", "rtsp://192.0.2.1/a", options.Capture{Reader: options.ReaderOpenCV}, false, []string{"decode"}},
		{"fingerprint", "rtsps://192.0.2.1/a", options.Capture{TLS: fingerprint}, false, []string{"go"}},
		{"fingerprint, name not found", "rtsps://cam.local/a", options.Capture{TLS: fingerprint}, true, []string{"go"}},
		{"name not found", "rtsp://cam.local/a", options.Capture{}, true, []string{"packets", "decode"}},
		{"file", "/srv/clip.mp4", options.Capture{}, false, []string{"packets", "decode"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSupervisor(New(Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, tt.source), Capture: tt.capture}}))
			s.lookupFailed = tt.lookupFailed
			for i, want := range tt.want {
				if got := s.reader(); got != want {
					t.Errorf("%d: %s reads, want %s", i, got, want)
				}
				if more := i+1 < len(tt.want); s.fallBack() != more {
					t.Errorf("%s: another one reads: %v", want, !more)
				}
			}
			if got := s.reader(); got != tt.want[len(tt.want)-1] {
				t.Errorf("%s reads in the end", got)
			}
		})
	}
}

// A camera that the Go reader cannot read is read by OpenCV, first its packets, then its pictures. A reload tries the Go reader again.
func TestCameraFallsBackToOpenCV(t *testing.T) {
	address := (&testpeer.RTSPCamera{Description: []byte(unknownVideo)}).Serve(t)
	o := Options{Camera: options.Camera{Source: parseSource(t, "rtsp://"+address+"/a")}, WorkerPath: faultyWorker(t, "decoder none")}
	c := startCamera(t, o)
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.InOrder)
	defer sub.Close()
	nextFrame(t, sub, false)
	s := c.waitForState(t, camera.Live)
	if s.Worker.PID == 0 || s.Format.Codec != "mjpeg" || s.Counts.Restarts[camera.BadStream] != 2 {
		t.Errorf("%+v", s)
	}
	for _, h := range c.History() {
		if h.State == camera.Offline {
			t.Errorf("history %+v", c.History())
		}
	}
	logged := c.logs.FilterMessage("camera is read by OpenCV, which takes more CPU time").All()
	if len(logged) != 2 || logged[0].ContextMap()["detail"] != `the camera sends "VP8" video: choose H.264 at the camera` {
		t.Errorf("logged %v", logged)
	}
	c.setPausedOrFail(t, true)
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	c.reconfigure(t, o, func(o *Options) { o.Source = parseSource(t, server.URL()) })
	c.setPausedOrFail(t, false)
	c.waitForState(t, camera.Live)
	if f := c.Status().Format; f.Backend != "RTSP" {
		t.Errorf("read by %+v", f)
	}
}

func TestFailedLoginIsNoReasonForAnotherReader(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: "p"})
	c := startCamera(t, Options{Camera: options.Camera{Source: parseSource(t, server.URL())}, WorkerPath: faultyWorker(t, "none")})
	if s := c.waitForState(t, camera.Offline); s.Reason != camera.Auth || s.Counts.Restarts[camera.Auth] != 1 {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
	if n := c.logs.FilterMessage("camera is read by OpenCV, which takes more CPU time").Len(); n != 0 {
		t.Error("another reader")
	}
}

// A reader that gives up in the middle of a stream: viewers must not take the last picture for a live one while OpenCV loads.
func TestFallbackOfLiveCameraIsShown(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	t.Cleanup(s.cancelRetry)
	s.handleEvent(endedEvent{camera.BadStream, "another codec", true})
	if s.decoderOf(0) != nil {
		t.Error("its placeholder counts as a decoded picture")
	}
	if s.State != camera.Starting || s.reader() != "packets" {
		t.Errorf("the camera is %s, %s reads", s.State, s.reader())
	}
	if n := c.Status().Counts.Restarts[camera.BadStream]; n != 1 {
		t.Errorf("counted %d times", n)
	}
	if topic, _ := c.Track(camera.Video); topic.Joinable() {
		t.Error("a new viewer begins with old frames")
	}
	s.cancelRetry()
	s.handleDialResult(dialResult{err: &net.DNSError{Err: "no such host"}})
	if !s.lookupFailed || s.queuedSlot == nil {
		t.Error("no capture process looks up the name")
	}
	if s.handleDialResult(dialResult{err: errors.New("refused")}); s.State != camera.Offline {
		t.Errorf("the camera is %s", s.State)
	}
}
