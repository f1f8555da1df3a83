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
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// rtspOptions are the options of a camera that an RTSP server is.
func rtspOptions(t *testing.T, clip testpeer.Clip, worker string) Options {
	t.Helper()
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: clip})
	return Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, server.URL()), Renditions: smallRenditions}, WorkerPath: worker}
}

func (r *runningCamera) track(t *testing.T, name string) *broker.Topic {
	t.Helper()
	topic, ok := r.Track(name)
	if !ok {
		t.Fatalf("no track %s", name)
	}
	return topic
}

// decoderPID returns the process of a decoder, 0 for none.
func (r *runningCamera) decoderPID(number int) int { return r.Status().Decoders[number].PID }

// read returns the topic of a rendition and a subscription to it, which ends with the test.
func (r *runningCamera) read(t *testing.T, rendition string) (*broker.Topic, *broker.Subscription) {
	t.Helper()
	topic, ok := r.Topic(rendition)
	if !ok {
		t.Fatalf("no rendition %s", rendition)
	}
	sub := topic.Subscribe(broker.InOrder)
	t.Cleanup(sub.Close)
	return topic, sub
}

// A camera that sends video is decoded while somebody wants pictures. Its video goes on before, meanwhile and after.
func TestVideoIsDecodedWhileWatched(t *testing.T) {
	for _, codec := range []string{"h264", "h265"} {
		t.Run(codec, func(t *testing.T) {
			c := startCamera(t, rtspOptions(t, testpeer.Clip{Codec: codec}, testrun.Program(t, WorkerName)))
			video := c.track(t, camera.Video)
			viewer := video.Subscribe(broker.Decodable)
			defer viewer.Close()
			if f := nextFrame(t, viewer, false); !f.Key || f.Format.Codec != codec {
				t.Errorf("the first frame is %s, key %v", f.Format.Codec, f.Key)
			}
			s := c.waitForState(t, camera.Live)
			if main, _ := c.Topic(""); c.decoderPID(0) != 0 || main.Newest() != nil || s.Worker.PID != 0 {
				t.Error("it is decoded although nobody wants pictures")
			}
			for name, width := range map[string]int{"": 320, "small": 160} {
				topic, sub := c.read(t, name)
				f := nextFrame(t, sub, false)
				if m, err := jpeg.Decode(bytes.NewReader(f.Data)); err != nil || m.Bounds().Dx() != width || f.Format.Width != width {
					t.Errorf("%s: %v, %+v", name, err, f.Format)
				}
				pid := c.decoderPID(0)
				if pid == 0 {
					t.Error("pictures without a decoder")
				}
				sub.Close()
				testrun.WaitFor(t, "the decoder to end", func() bool { return c.decoderPID(0) == 0 })
				if processExists(pid) || topic.Newest() != nil {
					t.Error("the process or an old picture is still there")
				}
			}
			n := video.Published() + 30
			testrun.WaitFor(t, "more video", func() bool { return video.Published() > n })
			if s := c.Status(); len(c.History()) != 2 || s.Counts.Restarts[camera.WorkerCrashed] != 0 {
				t.Errorf("history %+v", c.History())
			}
		})
	}
}

// The readers process makes no renditions of a camera that sends JPEGs. Its main pictures need no decoder.
func TestRenditionsOfJPEGsAreDecoded(t *testing.T) {
	c := startCamera(t, rtspOptions(t, testpeer.MJPEG, testrun.Program(t, WorkerName)))
	_, main := c.read(t, "")
	nextFrame(t, main, false)
	if s := c.Status(); c.decoderPID(0) != 0 || len(s.Tracks) != 0 {
		t.Errorf("%+v", s)
	}
	topic, small := c.read(t, "small")
	if f := nextFrame(t, small, false); f.Format.Width != 160 || c.decoderPID(0) == 0 {
		t.Errorf("%+v", f.Format)
	}
	small.Close()
	testrun.WaitFor(t, "the decoder to end", func() bool { return c.decoderPID(0) == 0 && topic.Newest() == nil })
	nextFrame(t, main, false)
}

// A decoder's fault costs the viewers of video nothing. Viewers of pictures see it, and get live pictures again.
func TestDecoderFaults(t *testing.T) {
	for _, tt := range []struct {
		fault   string
		change  func(*Options)
		restart camera.Reason
		state   camera.State // of the decoder, with the same reason
		reason  camera.Reason
		isQuick bool // the next process starts at once, and viewers keep the picture that they have
	}{
		{fault: "crash", restart: camera.WorkerCrashed, isQuick: true},
		{fault: "hungry", change: func(o *Options) { o.CaptureMemory = 200 << 20 }, restart: camera.WorkerMemory, isQuick: true},
		{fault: "silent", state: camera.Stalled, reason: camera.Timeout},
		{fault: "refuses", state: camera.Stalled, reason: camera.Damaged},
		{fault: "repeats", change: func(o *Options) { o.FrozenTimeout = 500 * time.Millisecond }, state: camera.Stalled, reason: camera.Frozen},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder "+tt.fault))
			o.StallTimeout = 2 * time.Second
			if tt.change != nil {
				tt.change(&o)
			}
			c := startCamera(t, o)
			c.waitForState(t, camera.Live)
			_, main := c.read(t, "")
			nextFrame(t, main, false)
			if !tt.isQuick {
				nextFrame(t, main, true)
			}
			if tt.state != "" {
				testrun.WaitFor(t, "the decoder's state", func() bool {
					d := c.Status().Decoders[0]
					return d.State == tt.state && d.Reason == tt.reason
				})
			} else {
				testrun.WaitFor(t, "the failure to be counted", func() bool { return c.Status().Counts.Restarts[tt.restart] > 0 })
				nextFrame(t, main, false)
			}
			if s := c.Status(); s.State != camera.Live || len(c.History()) != 2 {
				t.Errorf("the camera is %s: %+v", s.State, c.History())
			}
			if video := c.track(t, camera.Video); !video.Joinable() {
				t.Error("no video")
			}
		})
	}
}

// A picture that is older than a stall is not shown as live.
func TestLatePicturesOfDecoderAreNotPublished(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder late"))
	o.StallTimeout = 2 * time.Second
	c := startCamera(t, o)
	c.waitForState(t, camera.Live)
	topic, _ := c.Topic("")
	testrun.WaitFor(t, "the background of the start to be gone", func() bool { return topic.Newest() == nil })
	_, main := c.read(t, "")
	if f := nextFrame(t, main, true); f.Format.Width != 320 {
		t.Errorf("%+v", f.Format)
	}
	if s := c.Status(); s.Counts.Published[camera.Main] != 0 || s.State != camera.Live {
		t.Errorf("%+v", s)
	}
}

// A decoder loads OpenCV, so it waits for a start slot, and gives it back.
func TestDecoderWaitsForStartSlot(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none"))
	c := New(o)
	c.decodeQueue = newStartQueue(1)
	slot := c.decodeQueue.join()
	s := newPumpedSupervisor(t, c)
	_, main := (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	if s.decoder.worker != nil || s.decoder.queuedSlot == nil {
		t.Fatal("it does not wait")
	}
	s.updateDemand() // a second change must not queue it again
	if n := len(c.decodeQueue.waiting); n != 1 {
		t.Errorf("%d wait", n)
	}
	slot.release()
	<-s.decoder.queuedSlot.granted()
	s.startSecondary(s.decoder.secondary)
	if c.decodeQueue.free != 0 {
		t.Error("it has no slot")
	}
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
	if c.decodeQueue.free != 1 {
		t.Error("it keeps its slot")
	}
	nextFrame(t, main, false)
	s.decoder.queuedSlot = c.decodeQueue.join()
	s.stopWorker()
	if c.decodeQueue.free != 1 {
		t.Error("a slot is lost")
	}
}

func TestDeviceThatPretendsToSendVideoHasNoDecoder(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "pretends")})
	s := newPumpedSupervisor(t, c)
	(&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	if _, ok := c.Track(camera.Video); ok || s.decoder.queuedSlot != nil {
		t.Error("it has a track or a decoder")
	}
}
