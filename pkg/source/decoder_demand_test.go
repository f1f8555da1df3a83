package source

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

// A snapshot starts a decoder, which gets nothing more when the snapshot is taken. The process stays for a while, and the next snapshot
// uses it.
func TestSnapshotDecodesOneGroupOfPictures(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, testrun.Program(t, WorkerName))
	c := New(o)
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	pid := 0
	for range 2 {
		sub := main.SubscribeEvery(broker.Latest, broker.One)
		s.updateDemand()
		s.pump(t, func() bool { return s.decoder.state.State == camera.Live && main.Newest() != nil })
		if d := s.decoder; d.endFeeding == nil || d.loadingSlot != nil {
			t.Error("it has its slot, or it is not fed")
		}
		sub.Close()
		s.updateDemand()
		d := c.Status().Decoders[0]
		if s.decoder.endFeeding != nil || d.State != camera.Idle || d.PID == 0 || d.Starts != 1 || d.Track != camera.Video {
			t.Errorf("after the snapshot: %+v", d)
		}
		if pid != 0 && d.PID != pid {
			t.Error("another process made the second snapshot")
		}
		pid = d.PID
		main.Expire()
	}
	s.decoder.unneededSince = time.Now().Add(-s.decoderLinger)
	s.tick(time.Now())
	if d := c.Status().Decoders[0]; d.PID != 0 || processExists(pid) || d.CPUSeconds <= 0 || d.RunSeconds <= 0 || d.Pictures < 2 {
		t.Errorf("the decoder runs on: %+v", d)
	}
	if c.decodeQueue.free != decodeSlots {
		t.Error("it keeps its slot")
	}
}

// A picture of a snapshot is used again only for a short time, and never shown to a later viewer as live.
func TestPictureOfSnapshotExpires(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	s.pump(t, func() bool { return main.Newest() != nil })
	sub.Close()
	s.updateDemand()
	if main.Newest() == nil || !s.demands[0].Wanted {
		t.Error("the next snapshot cannot use the picture")
	}
	main.Publish(broker.Frame{Key: true, Captured: time.Now().Add(-staleAfter - time.Second), Format: main.Newest().Format})
	s.tick(time.Now())
	if main.Newest() != nil {
		t.Error("an old picture can be read")
	}
}

// A reader that needs fewer pictures than the camera sends keyframes gets the present, and then keyframes. With a reader that wants all
// pictures, all are decoded.
func TestSlowReadersGetKeyframes(t *testing.T) {
	clip := testpeer.Clip{Codec: "h264", Encoder: "keyint=15:min-keyint=15:scenecut=0"}
	c := startCamera(t, rtspOptions(t, clip, faultyWorker(t, "decoder shows keyframes")))
	testrun.WaitFor(t, "the interval of keyframes", func() bool {
		tracks := c.Status().Tracks
		return len(tracks) == 1 && tracks[0].KeyframeInterval > 0
	})
	main, _ := c.Topic("")
	slow := main.SubscribeEvery(broker.InOrder, time.Second)
	defer slow.Close()
	nextFrame(t, slow, false) // the newest, of whatever kind
	for range 3 {
		if !isWhite(t, nextFrame(t, slow, false)) {
			t.Error("a picture of another frame than a keyframe")
		}
	}
	fast := main.Subscribe(broker.InOrder)
	for isWhite(t, nextFrame(t, slow, false)) {
	}
	fast.Close()
	slowAgain := 0
	for slowAgain < 3 { // when the viewer that left has not come back
		if isWhite(t, nextFrame(t, slow, false)) {
			slowAgain++
		} else {
			slowAgain = 0
		}
	}
	if n := c.Status().Decoders[0].Starts; n != 1 {
		t.Errorf("%d processes", n)
	}
}

func isWhite(t *testing.T, f *broker.Frame) bool {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	r, _, _, _ := m.At(3, 3).RGBA()
	return r > 0xe000
}

// JPEGs are decoded only as often as their rendition needs them.
func TestJPEGsAreDecodedAtTheRateOfTheRendition(t *testing.T) {
	o := rtspOptions(t, testpeer.MJPEG, testrun.Program(t, WorkerName))
	o.Renditions = []camera.Rendition{{Name: "slow", Width: 160, FPS: 1, Quality: 60}}
	c := startCamera(t, o)
	_, slow := c.read(t, "slow")
	first := nextFrame(t, slow, false)
	captured := c.Status().Counts.Captured
	last := first
	for range 3 {
		last = nextFrame(t, slow, false)
	}
	pictures, frames := c.Status().Decoders[0].Pictures, c.Status().Counts.Captured-captured
	if span := last.Captured.Sub(first.Captured); span < 2500*time.Millisecond || pictures > frames/5 || frames < 30 {
		t.Errorf("%d pictures of %d frames in %v", pictures, frames, span)
	}
	if d := c.Status().Decoders[0]; d.Track != camera.Main {
		t.Errorf("%+v", d)
	}
}

// A stream that FFmpeg cannot decode is said once. Then no process is started, and the video goes on.
func TestUndecodableVideoIsGivenUp(t *testing.T) {
	c := startCamera(t, rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder undecodable")))
	_, main := c.read(t, "")
	testrun.WaitFor(t, "the decoder to give up", func() bool { return c.Status().Decoders[0].Reason != camera.None })
	nextFrame(t, main, true)
	s := c.Status()
	if d := s.Decoders[0]; d.State != camera.Offline || d.Reason != camera.Undecodable || d.Detail != "unknown profile" || d.Starts != 1 || d.PID != 0 {
		t.Errorf("%+v", d)
	}
	if main := s.Streams[0]; main.State != camera.Offline || main.Reason != camera.Undecodable || main.Track != camera.Video || s.State != camera.Live {
		t.Errorf("%+v", main)
	}
	c.read(t, "small")
	video := c.track(t, camera.Video)
	n := video.Published() + 60
	testrun.WaitFor(t, "more video", func() bool { return video.Published() > n })
	if d := c.Status().Decoders[0]; d.Starts != 1 || c.logs.FilterMessage("decoder failed").Len() != 1 {
		t.Errorf("%+v", d)
	}
	c.setPausedOrFail(t, true)
	c.setPausedOrFail(t, false) // the camera may send another format now
	testrun.WaitFor(t, "another attempt", func() bool { return c.Status().Decoders[0].Starts == 2 })
}

// A decoder that fails after it has worked is replaced at once. Viewers keep their picture until then.
func TestDecoderThatWorkedIsReplacedAtOnce(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	main, _ := (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
	s.failSecondary(s.decoder.secondary, camera.WorkerCrashed, "signal: killed")
	if d := s.decoder.state; d.State != camera.Starting || d.Reason != camera.WorkerCrashed || main.Newest().Placeholder {
		t.Errorf("%+v", d)
	}
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
	s.decoder.hasFrame = false
	s.failSecondary(s.decoder.secondary, camera.WorkerCrashed, "signal: killed")
	if d := s.decoder.state; d.State != camera.Offline || !main.Newest().Placeholder {
		t.Errorf("one that delivered nothing: %+v", d)
	}
}

// Renditions that are not larger than the substream are made of it, while it is live.
func TestRenditionsAreMadeOfSubstream(t *testing.T) {
	sub := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{Codec: "h264", Size: "160x120"}})
	o := rtspOptions(t, testpeer.H264, testrun.Program(t, WorkerName))
	o.Substream = parseSource(t, sub.URL())
	o.Renditions = []camera.Rendition{
		{Name: "small", Width: 160, Quality: 60},
		{Name: "large", Width: 240, Quality: 60},
		{Name: "chosen", Width: 160, Quality: 60, Track: camera.Video},
		{Name: "forced", Quality: 60, Track: camera.Sub},
	}
	c := startCamera(t, o)
	madeOf := func() map[string]string {
		of := map[string]string{}
		for _, s := range c.Status().Streams {
			of[s.Name] = s.Track
		}
		return of
	}
	testrun.WaitFor(t, "the substream", func() bool { return madeOf()["small"] == camera.Sub })
	if of := madeOf(); of["main"] != camera.Video || of["large"] != camera.Video || of["chosen"] != camera.Video || of["forced"] != camera.Sub {
		t.Errorf("%v", of)
	}
	_, small := c.read(t, "small")
	nextFrame(t, small, false)
	if c.decoderPID(0) != 0 || c.decoderPID(1) == 0 {
		t.Error("it is not decoded from the substream alone")
	}
	sub.Stop()
	testrun.WaitFor(t, "the end of the substream", func() bool { return madeOf()["small"] == camera.Video })
	testrun.WaitFor(t, "pictures of the other decoder", func() bool {
		d := c.Status().Decoders[0]
		return d.State == camera.Live && d.Pictures > 0
	})
	nextFrame(t, small, false)
	sub.Start()
	testrun.WaitFor(t, "the substream to come back", func() bool { return madeOf()["small"] == camera.Sub && c.Status().Decoders[1].State == camera.Live })
	if s := c.Status(); s.State != camera.Live || len(s.Decoders) != 2 || s.Decoders[1].Track != camera.Sub {
		t.Errorf("%+v", s.Decoders)
	}
}

func TestSameShape(t *testing.T) {
	for _, tt := range []struct {
		w, h, otherW, otherH int
		want                 bool
	}{
		{640, 360, 1920, 1080, true},
		{640, 352, 1920, 1080, true},
		{704, 576, 1920, 1080, false},
		{640, 480, 1920, 1080, false},
		{360, 640, 1920, 1080, false},
		{640, 360, 0, 0, false},
	} {
		if got := isSameShape(tt.w, tt.h, tt.otherW, tt.otherH); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
