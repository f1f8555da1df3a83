package source

import (
	"testing"

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
