package source

import (
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

// liveDecoder returns a camera with a reader, who gets the pictures of a decoder with a fault.
func liveDecoder(t *testing.T, fault string) (*pumpedSupervisor, *broker.Topic) {
	t.Helper()
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, fault)))
	s := newPumpedSupervisor(t, c)
	main, _ := (&runningCamera{Camera: c}).read(t, "")
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live && main.Newest() != nil })
	return s, main
}

// holdSlots takes all slots of the decoders.
func (s *pumpedSupervisor) holdSlots() (release func()) {
	slots := make([]*startSlot, decodeSlots)
	for i := range slots {
		slots[i] = s.decodeQueue.join()
	}
	return func() {
		for _, slot := range slots {
			slot.release()
		}
	}
}

// The picture from before a decoder began again is not shown as live while it waits for its slot.
func TestDecoderThatBeginsAgainIsNotLive(t *testing.T) {
	s, main := liveDecoder(t, "decoder none")
	release := s.holdSlots()
	s.decoder.worker.feedKeyframesOnly.Store(true) // and now there is a reader that needs more
	s.updateDecoders()
	if d := s.decoder; d.endFeeding != nil || d.queuedSlot == nil || d.state.State != camera.Starting || main.Newest().Placeholder {
		t.Fatalf("it is %s", s.decoder.state.State)
	}
	s.decoder.state.Since = s.decoder.state.Since.Add(-s.opts.StallTimeout)
	s.tick(time.Now())
	if f := main.Newest(); f == nil || !f.Placeholder {
		t.Error("an old picture is shown as live")
	}
	release()
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live && !main.Newest().Placeholder })
	if s.decodeQueue.free != decodeSlots {
		t.Error("it keeps its slot")
	}
}

// The next keyframe may be half a minute away. A decoder that waits for it neither takes a slot nor keeps one.
func TestDecoderNeedsNoSlotToWaitForKeyframe(t *testing.T) {
	s, _ := liveDecoder(t, "decoder none")
	video, _ := s.Track(camera.Video)
	s.decoder.stopFeeding()
	video.Expire()
	s.decoder.holdSlot(s.decodeQueue.join())
	s.updateDecoders()
	if s.decoder.endFeeding == nil || s.decodeQueue.free != decodeSlots {
		t.Error("it keeps its slot")
	}
	defer s.holdSlots()()
	s.decoder.stopFeeding()
	s.updateDecoders()
	if s.decoder.endFeeding == nil || s.decoder.queuedSlot != nil {
		t.Error("it waits for a slot")
	}
	s.decoder.setState(camera.Starting, camera.None, "")
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
}

// A reader that comes back while the process loads sees that there are no pictures yet. A process that never loads is replaced.
func TestDemandChangesWhileDecoderLoads(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "loading")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	for range 2 {
		sub := main.SubscribeEvery(broker.Latest, broker.One)
		defer sub.Close()
		s.updateDemand()
		s.pump(t, func() bool { return s.decoder.worker != nil })
		if state := s.decoder.state.State; state != camera.Starting {
			t.Errorf("with a reader it is %s", state)
		}
		sub.Close()
		s.updateDemand()
		if s.decoder.worker == nil || s.decoder.state.State != camera.Idle || s.decoder.loadingSlot == nil {
			t.Error("it is given up, or works on")
		}
	}
	now := time.Now()
	s.decoder.slotSince = now.Add(-slotTimeout)
	s.tick(now)
	if s.decodeQueue.free != decodeSlots {
		t.Error("it keeps its slot")
	}
	s.decoder.lastProgress = now.Add(-loadTimeout - time.Second)
	s.tick(now)
	if d := s.decoder.state; d.State != camera.Offline || d.Detail != loadTimeoutDetail {
		t.Errorf("%+v", d)
	}
}

// A stream that crashes each of its decoders after a picture costs little.
func TestDecoderThatCrashesAgainAndAgainIsDelayed(t *testing.T) {
	s, _ := liveDecoder(t, "decoder none")
	crash := func(hasFrame bool) camera.State {
		s.decoder.hasFrame = hasFrame
		s.failSecondary(s.decoder.secondary, camera.WorkerCrashed, "signal: killed")
		return s.decoder.state.State
	}
	if got := crash(false); got != camera.Offline {
		t.Errorf("one that delivered nothing is %s", got)
	}
	quick := 0
	for range quickRestartBurst + 8 {
		if crash(true) == camera.Starting {
			quick++
		}
	}
	if quick < quickRestartBurst || quick > quickRestartBurst+4 { // a busy machine takes seconds for them
		t.Errorf("%d were replaced at once, want %d", quick, quickRestartBurst)
	}
	if wait := s.decoder.backoff.NextBackOff(); wait < 5*time.Second {
		t.Errorf("the next one starts in %v", wait)
	}
	s.decoder.quickRestarts = newQuickRestarts() // as after half a minute
	if got, wait := crash(true), s.decoder.backoff.NextBackOff(); got != camera.Starting || wait > 4*initialRetryDelay {
		t.Errorf("later: %s, %v", got, wait)
	}
}

// A decoder that got a part of a frame gets no more messages. The next reader has another process.
func TestDecoderThatGotPartOfFrameIsReplaced(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder deaf")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.endFeeding != nil })
	video, _ := c.Track(camera.Video)
	for n := video.Published() + 100; video.Published() < n; { // far more than fits into the pipe
		s.pump(t, func() bool { return video.Published() >= n })
	}
	first := s.decoder.worker
	sub.Close()
	s.updateDemand()
	sub = main.SubscribeEvery(broker.Latest, broker.One)
	defer sub.Close()
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.endFeeding != nil })
	if s.decoder.worker == first || !first.reaped {
		t.Error("the same process is used again")
	}
}
