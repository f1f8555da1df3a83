package source

import (
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// A decoder that has failed keeps its delay when its reader leaves and comes back.
func TestDelayOutlivesDemand(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
	s.failSecondary(s.decoder.secondary, camera.BadStream, "no picture of 1000 frames")
	sub.Close()
	s.updateDemand()
	sub = main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	if d := s.decoder; d.retry == nil || d.queuedSlot != nil || d.worker != nil || s.shownState(0).State != camera.Offline {
		t.Error("it starts at once")
	}
	sub.Close()
	s.updateDemand()
	s.retryDecoder(s.decoder)
	if d := s.decoder; d.retry != nil || d.queuedSlot != nil || d.state.State != camera.Idle {
		t.Errorf("without readers it is %+v", d.state)
	}
}

// The linger of an idle process begins when it is needed no more, and again after each reader. A camera that is not live has none.
func TestIdleDecoderLingers(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	for range 2 {
		sub := main.SubscribeEvery(broker.Latest, broker.One)
		s.updateDemand()
		s.pump(t, func() bool { return s.decoder.endFeeding != nil })
		if !s.decoder.unneededSince.IsZero() {
			t.Error("it counts as not needed")
		}
		sub.Close()
		s.updateDemand()
		since := s.decoder.unneededSince
		s.updateDecoders()
		if since.IsZero() || !s.decoder.unneededSince.Equal(since) {
			t.Error("its linger begins again and again")
		}
	}
	s.State = camera.Stalled
	s.updateDecoders()
	if s.decoder.worker != nil {
		t.Error("it lingers beside a camera that is not live")
	}
}

// The process of a decoder learns how often its readers need pictures now, and gets nothing twice.
func TestDemandsFollowPeriods(t *testing.T) {
	c := New(rtspOptions(t, testpeer.MJPEG, ""))
	s := newPumpedSupervisor(t, c)
	d, w := s.decoder, newFedWorker(t)
	d.worker, d.loaded, d.demands = w.worker, true, map[uint8]wire.Demand{}
	defer func() { d.worker = nil }()
	expect := func(want wire.Demand) {
		t.Helper()
		s.sendDemands(d)
		s.sendDemands(d)
		if got := w.next(t); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	s.demands[1] = broker.Demand{Wanted: true, Frames: true, Period: 4 * time.Second}
	expect(wire.Demand{Rendition: 1, Wanted: true, Period: 2 * time.Second})
	s.demands[1].Period = time.Second
	expect(wire.Demand{Rendition: 1, Wanted: true, Period: time.Second / 2})
	s.demands[1].Frames = false
	expect(wire.Demand{Rendition: 1})
	s.demands[1].Frames, s.demands[0].Frames = true, true // the camera sends main itself
	expect(wire.Demand{Rendition: 1, Wanted: true, Period: time.Second / 2})
}

// The fastest reader of all renditions sets the rate, and no rendition needs more than its own rate.
func TestNeededPictures(t *testing.T) {
	o := rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none"))
	o.Renditions = []camera.Rendition{{Name: "slow", Width: 160, FPS: 0.5, Quality: 60}}
	s := newPumpedSupervisor(t, New(o))
	for _, tt := range []struct{ main, slow, want time.Duration }{
		{-1, -1, -1},
		{-1, 0, 2 * time.Second},
		{-1, time.Minute, time.Minute},
		{time.Second, 0, time.Second},
		{time.Minute, 0, 2 * time.Second},
		{0, 0, 0},
	} {
		s.demands[0], s.demands[1] = broker.Demand{Frames: tt.main >= 0, Period: tt.main}, broker.Demand{Frames: tt.slow >= 0, Period: tt.slow}
		if needed, period := s.neededPictures(s.decoder); needed != (tt.want >= 0) || needed && period != tt.want {
			t.Errorf("%+v: %v, %v", tt, needed, period)
		}
	}
	clear(s.demands)
}
