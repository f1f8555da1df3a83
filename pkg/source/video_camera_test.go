package source

import (
	"context"
	"errors"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// Which tracks a camera can have depends on its source.
func TestTracksFollowSource(t *testing.T) {
	for _, tt := range []struct {
		source, substream string
		video, sub        bool
	}{
		{source: "/dev/video0"},
		{source: "test://"},
		{source: "http+poll://192.0.2.1/a.jpg"},
		{source: "http://192.0.2.1/a.mjpg", video: true},
		{source: "/srv/clip.mp4", video: true},
		{source: "rtsp://192.0.2.1/a", video: true},
		{source: "rtsps://192.0.2.1/a", substream: "rtsps://192.0.2.1/b", video: true, sub: true},
	} {
		o := Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, tt.source)}}
		if tt.substream != "" {
			o.Substream = parseSource(t, tt.substream)
		}
		c := New(o)
		_, video := c.Track(camera.Video)
		_, sub := c.Track(camera.Sub)
		_, other := c.Track(camera.Main)
		if video != tt.video || sub != tt.sub || other {
			t.Errorf("%s: video %v, sub %v, other %v", tt.source, video, sub, other)
		}
		if tracks := c.Status().Tracks; len(tracks) != 0 && (!tt.sub || len(tracks) != 1 || tracks[0].Name != camera.Sub) {
			t.Errorf("%s: %+v", tt.source, tracks)
		}
	}
}

func TestStatusDescribesTracks(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	c := startCamera(t, Options{Camera: options.Camera{Source: parseSource(t, server.URL())}})
	testrun.WaitFor(t, "rates", func() bool {
		s := c.Status()
		return len(s.Tracks) == 1 && s.Tracks[0].Keyframes >= 3 && s.Tracks[0].FPS > 0
	})
	s := c.Status()
	v := s.Tracks[0]
	if v.Name != camera.Video || v.State != camera.Live || v.Codec != "h264" || len(v.CodecString) != len("avc1.640028") || v.Width != 320 || v.Height != 240 || !v.Joinable ||
		v.KeyframeInterval <= 0 || v.Frames < v.Keyframes*15 || v.Bytes == 0 || v.BitRate <= 0 || v.LastFrame.IsZero() {
		t.Errorf("%+v", v)
	}
	if s.Format.Width != 320 || s.Format.Height != 240 || s.Format.Backend != "RTSP" || s.Counts.Captured < v.Frames {
		t.Errorf("%+v", s.Format)
	}
	server.Stop()
	c.waitForState(t, camera.Offline)
	if v := c.Status().Tracks[0]; v.State != camera.Offline || v.Joinable || v.FPS != 0 || v.BitRate != 0 || v.Frames == 0 {
		t.Errorf("after the end: %+v", v)
	}
	server.Start()
	c.waitForState(t, camera.Live)
	testrun.WaitFor(t, "the size after a reconnect", func() bool { f := c.Status().Format; return f.Width == 320 && f.Height == 240 })
}

// A camera that is turned off has no picture anywhere: no frame of video, no decoded picture, no process. Its viewers stay.
func TestSetPausedWithdrawsVideo(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, testrun.Program(t, WorkerName))
	o.Substream = o.Source
	c := startCamera(t, o)
	c.waitForState(t, camera.Live)
	_, main := c.read(t, "")
	nextFrame(t, main, false)
	viewers := map[string]*broker.Subscription{}
	for _, name := range []string{camera.Video, camera.Sub} {
		topic := c.track(t, name)
		testrun.WaitFor(t, "a group of pictures", topic.Joinable)
		viewers[name] = topic.Subscribe(broker.InOrder)
		defer viewers[name].Close()
	}
	pid := c.decoderPID(0)
	c.setPausedOrFail(t, true)
	c.checkPaused(t, pid)
	for name, v := range viewers {
		topic := c.track(t, name)
		if f := v.TryNext(); f != nil || topic.Newest() != nil || topic.Joinable() {
			t.Errorf("%s: frame %+v can still be read", name, f)
		}
		if d := v.Stats().Dropped; d.Withdrawn == 0 || d.Total() != d.Withdrawn {
			t.Errorf("%s: %+v", name, d)
		}
		join := topic.Subscribe(broker.Decodable)
		if f := join.TryNext(); f != nil {
			t.Errorf("%s: a new viewer gets %+v", name, f)
		}
		join.Close()
	}
	for _, track := range c.Status().Tracks {
		if track.State != camera.Paused || track.FPS != 0 {
			t.Errorf("%+v", track)
		}
	}
	if u := c.readers.usage(); u.Processes != 1 {
		t.Errorf("%+v", u)
	}
	c.setPausedOrFail(t, false)
	for name, v := range viewers {
		if f := nextFrame(t, v, false); !f.Key {
			t.Errorf("%s goes on in the middle of a group", name)
		}
	}
	nextFrame(t, main, false)
}

// The decoder reads the video as well. It must not keep a camera open that nobody watches.
func TestOnDemandVideoCameraRunsOnlyWhileWatched(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none"))
	o.OnDemand = true
	c := startCamera(t, o)
	c.waitForState(t, camera.Idle)
	main, viewer := c.read(t, "")
	nextFrame(t, viewer, false)
	viewer.Close()
	if s := c.waitForState(t, camera.Idle); c.decoderPID(0) != 0 || !main.Newest().Placeholder {
		t.Errorf("%+v", s)
	}
	video := c.track(t, camera.Video).Subscribe(broker.Decodable)
	nextFrame(t, video, false)
	if c.waitForState(t, camera.Live); c.decoderPID(0) != 0 {
		t.Error("it is decoded")
	}
	video.Close()
	c.waitForState(t, camera.Idle)
}

func TestRemovedCameraEndsTracks(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none"))
	o.Substream = o.Source
	f := startFleet(t, o)
	c := &runningCamera{Camera: f.current[0]}
	_, main := c.read(t, "")
	nextFrame(t, main, false)
	ctx, cancel := context.WithTimeout(t.Context(), testrun.Deadline)
	defer cancel()
	var viewers []*broker.Subscription
	for _, name := range []string{camera.Video, camera.Sub} {
		v := c.track(t, name).Subscribe(broker.Decodable)
		defer v.Close()
		nextFrame(t, v, false)
		viewers = append(viewers, v)
	}
	f.reconfigure(t)
	for _, v := range append(viewers, main) {
		for {
			if _, err := v.Next(ctx); errors.Is(err, broker.ErrEnded) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if s := c.Status(); s.Worker.PID != 0 {
		t.Errorf("%+v", s.Worker)
	}
}

func TestProbeReadsVideo(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, testrun.Program(t, WorkerName))
	r, err := Probe(t.Context(), o, time.Second)
	if err != nil || r.Format.Codec != "h264" || r.Format.Width != 320 || r.Frames < 2 || r.FPS <= 0 || r.Frame.Format.Width != 320 || r.FirstFrame < r.OpenTime || r.OpenTime <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	o.WorkerPath = "/nowhere/" + WorkerName
	_, err = Probe(t.Context(), o, time.Second)
	if e, ok := errors.AsType[*ProbeError](err); !ok || e.Reason != camera.WorkerMissing || e.Detail != "start /nowhere/camd-capture: no such file or directory" {
		t.Errorf("%v", err)
	}
	o.Source = sourceurl.Source{Kind: o.Source.Kind, URL: o.Source.URL}
	o.Source.URL.Path = "/none"
	_, err = Probe(t.Context(), o, time.Second)
	if e, ok := errors.AsType[*ProbeError](err); !ok || e.Reason != camera.NotFound {
		t.Errorf("%v", err)
	}
}
