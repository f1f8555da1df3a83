package source

import (
	"context"
	"errors"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// subTrack returns what the status says about the smaller stream; zero if it does not name it.
func (r *runningCamera) subTrack() camera.Track {
	for _, t := range r.Status().Tracks {
		if t.Name == camera.Sub {
			return t
		}
	}
	return camera.Track{}
}

func (r *runningCamera) waitForSub(t *testing.T, state camera.State) camera.Track {
	t.Helper()
	testrun.WaitFor(t, "the substream to be "+string(state), func() bool { return r.subTrack().State == state })
	return r.subTrack()
}

// A reload adds, changes and removes the substream. The main stream and its viewers do not notice.
func TestReconfigureChangesSubstream(t *testing.T) {
	main := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	small := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{Codec: "h264", Size: "160x120"}})
	other := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{Codec: "h265", Size: "160x120"}})
	o := Options{Camera: options.Camera{Source: parseSource(t, main.URL())}}
	c := startCamera(t, o)
	c.waitForState(t, camera.Live)
	if _, ok := c.Track(camera.Sub); ok {
		t.Error("a track without a substream")
	}
	o = c.reconfigure(t, o, func(o *Options) { o.Substream = parseSource(t, small.URL()) })
	topic := c.track(t, camera.Sub)
	viewer := topic.Subscribe(broker.Decodable)
	defer viewer.Close()
	if f := nextFrame(t, viewer, false); !f.Key || f.Format.Width != 160 || f.Format.Codec != "h264" {
		t.Errorf("%+v", f.Format)
	}
	if s := c.waitForSub(t, camera.Live); s.Width != 160 || s.Frames == 0 {
		t.Errorf("%+v", s)
	}
	o = c.reconfigure(t, o, func(o *Options) { o.Title = "Gate" })
	if s := c.subTrack(); s.State != camera.Live {
		t.Errorf("another title: %+v", s)
	}
	o = c.reconfigure(t, o, func(o *Options) { o.Substream = parseSource(t, other.URL()) })
	if c.track(t, camera.Sub) != topic {
		t.Error("the viewers of the substream have lost their topic")
	}
	for f := nextFrame(t, viewer, false); f.Format.Codec != "h265"; {
		f = nextFrame(t, viewer, false)
	}
	c.reconfigure(t, o, func(o *Options) { o.Substream = sourceurl.Source{} })
	if _, ok := c.Track(camera.Sub); ok || c.subTrack().Name != "" {
		t.Error("the track is still there")
	}
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	for {
		if _, err := viewer.Next(ctx); errors.Is(err, broker.ErrEnded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if s := c.Status(); s.State != camera.Live || len(c.History()) != 2 || s.Counts.Restarts[camera.Reconfigured] != 0 {
		t.Errorf("history %+v", c.History())
	}
}

// The substream has a state of its own. Its faults do not concern the camera.
func TestSubstreamFailsAlone(t *testing.T) {
	main := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	small := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	c := startCamera(t, Options{Camera: options.Camera{Source: parseSource(t, main.URL()), Substream: parseSource(t, small.URL())}})
	c.waitForSub(t, camera.Live)
	small.Stop()
	if s := c.waitForSub(t, camera.Offline); s.Reason == camera.None || s.Joinable || s.FPS != 0 {
		t.Errorf("%+v", s)
	}
	small.Start()
	c.waitForSub(t, camera.Live)
	small.StopSending()
	if s := c.waitForSub(t, camera.Stalled); s.Reason != camera.Timeout {
		t.Errorf("%+v", s)
	}
	if c.Status().State != camera.Live || len(c.History()) != 2 {
		t.Errorf("the camera: %+v", c.History())
	}
	main.Stop()
	c.waitForState(t, camera.Offline)
	if s := c.subTrack(); s.State != camera.Offline || s.Joinable {
		t.Errorf("%+v", s)
	}
}

func TestSubstreamOfJPEGsIsRefused(t *testing.T) {
	main := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	small := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.MJPEG})
	c := startCamera(t, Options{Camera: options.Camera{Source: parseSource(t, main.URL()), Substream: parseSource(t, small.URL())}})
	if s := c.waitForSub(t, camera.Offline); s.Reason != camera.BadStream || s.Frames != 0 {
		t.Errorf("%+v", s)
	}
	if c.waitForState(t, camera.Live).Counts.Published[camera.Main] != 0 {
		t.Error("its pictures are published as those of the camera")
	}
}
