package source

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// A decoder that does not read blocks neither its camera's commands nor its end.
func TestDeafDecoderBlocksNothing(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder deaf")))
	s := newPumpedSupervisor(t, c)
	_, _ = (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	s.startSecondary(s.decoder.secondary)
	s.pump(t, func() bool { return s.decoder.loaded })
	video, _ := c.Track(camera.Video)
	for n := video.Published() + 100; video.Published() < n; { // far more than fits into the pipe
		s.pump(t, func() bool { return video.Published() >= n })
	}
	for range 100 * maxQueuedCommands { // each would block for a second
		s.decoder.worker.send(wire.Demand{})
	}
	pid := s.decoder.worker.pid()
	s.setPaused(true)
	if processExists(pid) || s.decoder.worker != nil || s.decoder.endFeeding != nil || s.decoder.state.State != camera.Idle {
		t.Error("it is not stopped")
	}
	if n := video.Subscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// The decoder of a camera that sends few frames is silent for long. A decoder that gets frames and sends nothing is replaced.
func TestDecoderSilence(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none"))
	o.StallTimeout = time.Minute
	c := New(o)
	s := newPumpedSupervisor(t, c)
	main, _ := (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	s.startSecondary(s.decoder.secondary)
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })

	begin := time.Now()
	feedAt := func(after time.Duration) { // a frame comes, and the decoder gets it
		s.lastProgress = begin.Add(after)
		s.decoder.worker.lastFed.Store(s.lastProgress.UnixNano())
	}
	s.decoder.stopFeeding()
	s.decoder.endFeeding = func() {}
	s.lastProgress, s.decoder.lastProgress = begin, begin
	s.tick(begin.Add(59 * time.Second))
	feedAt(60 * time.Second)
	s.tick(begin.Add(61 * time.Second))
	if d := s.decoder.state; d.State != camera.Live || s.State != camera.Live {
		t.Errorf("the decoder of a slow camera is %s", d.State)
	}
	feedAt(125 * time.Second)
	s.tick(begin.Add(126 * time.Second))
	if d := s.decoder.state; d.State != camera.Stalled || d.Reason != camera.Timeout || s.State != camera.Live {
		t.Errorf("the decoder is %s for %s, the camera %s", d.State, d.Reason, s.State)
	}
	if f := main.Newest(); f == nil || !f.Placeholder {
		t.Error("an old picture is shown as live")
	}
	if s.shownState(0).State != camera.Stalled {
		t.Errorf("shown %+v", s.shownState(0))
	}
	pid := s.decoder.worker.pid()
	feedAt(61*time.Second + time.Hour)
	s.tick(begin.Add(61*time.Second + time.Hour))
	if d := s.decoder.state; d.State != camera.Offline || d.Reason != camera.WorkerHung || s.decoder.retry == nil || processExists(pid) {
		t.Errorf("the decoder is %+v", d)
	}
	if n := c.Status().Counts.Restarts[camera.WorkerHung]; n != 1 {
		t.Errorf("counted %d times", n)
	}
	if main.Subscriptions() != 1 {
		t.Error("the subscription of the viewer is gone")
	}
}

// While a decoder takes long to load, viewers must not take the old picture for a live one.
func TestDecoderThatLoadsForLongIsShown(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "loading")))
	s := newPumpedSupervisor(t, c)
	main, _ := (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	s.startSecondary(s.decoder.secondary)
	if s.shownState(0).State != camera.Live || main.Newest() != nil {
		t.Errorf("shown %+v", s.shownState(0))
	}
	s.decoder.state.Since = s.decoder.state.Since.Add(-s.opts.StallTimeout)
	s.tick(time.Now())
	if f := main.Newest(); s.shownState(0).State != camera.Starting || f == nil || !f.Placeholder {
		t.Errorf("shown %+v", s.shownState(0))
	}
	begin := time.Now()
	s.lastProgress = begin.Add(loadTimeout + time.Second)
	s.checkSecondary(s.decoder.secondary, s.lastProgress, true)
	if d := s.decoder.state; d.State != camera.Offline || d.Detail != loadTimeoutDetail {
		t.Errorf("%+v", d)
	}
}

// A decoder gets no pictures that camd has drawn, and formats of any size.
func TestFeedIgnoresPlaceholders(t *testing.T) {
	w, err := startWorker(faultyWorker(t, "decoder none"), wire.Start{Decode: true}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer w.stop(time.Minute)
	next[loadedEvent](t, w)
	w.send(wire.Demand{Wanted: true}) // before the frame
	topic := broker.NewTopic("cam/video", broker.VideoOptions())
	stop := w.startFeeding(feedPlan{topic: topic, isVideo: true})
	defer stop()
	format := &broker.Format{Codec: "h264", CodecString: "avc1.640028", Width: 32, Height: 16, Init: make([]byte, 80<<10)} // too large for a message
	topic.Publish(broker.Frame{Key: true, Placeholder: true, Format: format, Wire: []byte{1}})
	topic.Publish(broker.Frame{Key: true, Captured: time.Now(), Format: format, Wire: []byte{1}})
	if f := next[frameEvent](t, w); f.count != 2 {
		t.Errorf("picture of frame %d, want 2", f.count)
	}
}
