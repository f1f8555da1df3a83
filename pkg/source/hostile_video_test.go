package source

import (
	"net/url"
	"testing"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// A capture process of a camera that can have no video says that it sends some. Its pictures are shown as those of any camera.
func TestWorkerClaimsVideoWithoutTrack(t *testing.T) {
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "claims video")})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	c.waitForState(t, camera.Live)
	for {
		f, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !f.Placeholder {
			return
		}
	}
}

// A camera that has sent video and sends pictures now has no track of video any more.
func TestTrackIsForgottenWithItsVideo(t *testing.T) {
	o := Options{WorkerPath: faultyWorker(t, "ends video")}
	o.Source = sourceurl.Source{Kind: sourceurl.File, Path: "/clip.mp4"}
	c := startCamera(t, o)
	testrun.WaitFor(t, "a track", func() bool { return len(c.Status().Tracks) == 1 })
	topic, _ := c.Topic("")
	defer topic.Subscribe(broker.Latest).Close()
	testrun.WaitFor(t, "no track", func() bool { return len(c.Status().Tracks) == 0 })
}

func TestCameraThatOpenCVDecodesHasNoTrackOfVideo(t *testing.T) {
	for reader, expected := range map[string]bool{options.ReaderAuto: true, options.ReaderGo: true, options.ReaderOpenCV: false} {
		var o Options
		o.Source, o.Reader = sourceurl.Source{Kind: sourceurl.RTSP}, reader
		if _, ok := New(o).Track(camera.Video); ok != expected {
			t.Errorf("%s: %v", reader, ok)
		}
	}
}

// A smaller stream that cannot be read is logged once, and not at each attempt.
func TestFailingSubstreamIsLoggedOnce(t *testing.T) {
	o := Options{WorkerPath: faultyWorker(t, "ends video")}
	o.Source = sourceurl.Source{Kind: sourceurl.File, Path: "/clip.mp4"}
	o.Substream = sourceurl.Source{Kind: sourceurl.RTSP, URL: url.URL{Scheme: "rtsp", Host: "127.0.0.1:1", Path: "/sub"}}
	c := startCamera(t, o)
	failures := func() *observer.ObservedLogs { return c.logs.FilterMessage("substream failed") }
	testrun.WaitFor(t, "three attempts", func() bool { return failures().Len() >= 3 })
	if n := failures().FilterLevelExact(zapcore.WarnLevel).Len(); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

// A camera that starts may answer so that camd's reader gives up. OpenCV reads it from then on only if it can.
func TestFallbackEndsWithFailure(t *testing.T) {
	for _, hasFrame := range []bool{false, true} {
		var o Options
		o.Source = sourceurl.Source{Kind: sourceurl.RTSP}
		s := newSupervisor(New(o))
		s.hasFrame = hasFrame
		if !s.fallBack() || s.usesReader() {
			t.Fatal("no fallback")
		}
		if s.handleFailure(camera.NotFound, ""); s.usesReader() == hasFrame {
			t.Errorf("with pictures %v, camd's reader is tried again: %v", hasFrame, s.usesReader())
		}
	}
}
