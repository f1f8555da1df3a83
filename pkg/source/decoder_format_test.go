package source

import (
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

var otherFormat = &broker.Format{Codec: "h265", CodecString: "hvc1.1.6.L93.B0", Width: 64, Height: 48}

// A decoder that once gave up another format is stopped when nobody needs it.
func TestDecoderOfNewFormatIsStopped(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	s.decoder.undecodable = otherFormat
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	s.pump(t, func() bool { return main.Newest() != nil })
	sub.Close()
	s.decoder.undecodable = otherFormat
	s.updateDemand()
	s.decoder.unneededSince = time.Now().Add(-s.decoderLinger)
	s.tick(time.Now())
	if s.decoder.worker != nil || s.decoder.state.State != camera.Idle {
		t.Error("it runs on")
	}
}

// When the format of the video changes, a decoder that had given up is idle, and begins again for the next reader.
func TestUndecodableEndsWithTheFormat(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder undecodable")))
	s := newPumpedSupervisor(t, c)
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.Latest, broker.One)
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.state.Reason == camera.Undecodable })
	s.updateDecoders()
	if d := s.decoder; d.worker != nil || d.queuedSlot != nil || d.retry != nil || s.shownState(0).Reason != camera.Undecodable {
		t.Error("another attempt for the same format")
	}
	sub.Close()
	s.updateDemand()
	s.tick(time.Now())
	if s.shownState(0).Reason != camera.Undecodable {
		t.Error("the reason is forgotten")
	}
	s.tracks.Load().video.format.Store(otherFormat)
	s.tick(time.Now())
	if shown := s.shownState(0); shown.State != camera.Live {
		t.Errorf("after a change of the format: %+v", shown)
	}
	sub = main.SubscribeEvery(broker.Latest, broker.One)
	defer sub.Close()
	s.updateDemand()
	if s.decoder.queuedSlot == nil {
		t.Error("no process starts for the new format")
	}
}

// A process that got frames of two formats does not say which of them it cannot decode.
func TestUndecodableIsOfOneFormat(t *testing.T) {
	s, _ := liveDecoder(t, "decoder none")
	video := s.tracks.Load().video
	own := video.format.Load()
	video.publish(broker.Frame{Key: true, Captured: time.Now(), Format: otherFormat, Wire: []byte{1}})
	other := video.topic.Published()
	s.pump(t, func() bool { return s.decoder.framesRead >= other })
	s.handleDecoderMessage(s.decoder, endedEvent{reason: camera.Undecodable, unsupported: true}, true)
	if d := s.decoder; d.cannotDecode(own) || d.cannotDecode(otherFormat) || d.retry == nil {
		t.Error("a format is given up that may be good")
	}
	s.setDecoderIdle(s.decoder)
	if d := s.decoder.state; d.State != camera.Offline || d.Reason != camera.Undecodable {
		t.Errorf("%+v", d)
	}
	s.retryDecoder(s.decoder)
	s.pump(t, func() bool { return s.decoder.state.State == camera.Live })
}

// Where the scene changes, encoders send a keyframe before it is due. The next one may be half a minute away.
func TestReaderGetsPicturesAfterKeyframeForSceneChange(t *testing.T) {
	c := New(rtspOptions(t, testpeer.H264, faultyWorker(t, "decoder none")))
	s := newPumpedSupervisor(t, c)
	begin := time.Now().Add(-31 * time.Second)
	video := s.tracks.Load().video
	for _, at := range []time.Duration{0, 30 * time.Second, 30*time.Second + 300*time.Millisecond} {
		video.publish(broker.Frame{Key: true, Captured: begin.Add(at), Format: video.format.Load(), Wire: []byte{1}})
	}
	main, _ := c.Topic("")
	sub := main.SubscribeEvery(broker.InOrder, time.Second)
	defer sub.Close()
	s.updateDemand()
	s.pump(t, func() bool { return s.decoder.endFeeding != nil })
	if s.decoder.worker.feedKeyframesOnly.Load() {
		t.Error("it gets nothing before the next keyframe")
	}
}

// A keyframe interval is compared with some tolerance, so that a decoder does not begin again and again.
func TestKeyframesSuffice(t *testing.T) {
	s := newSupervisor(New(rtspOptions(t, testpeer.H264, "")))
	video := s.tracks.Load().video
	for _, tt := range []struct {
		isRunning, isFewer bool
		interval, period   time.Duration
		want               bool
	}{
		{interval: 0, period: time.Hour, want: false},
		{interval: time.Second, period: time.Second, want: true},
		{interval: time.Second, period: 960 * time.Millisecond, want: true},
		{interval: time.Second, period: 900 * time.Millisecond, want: false},
		{interval: time.Second, period: 900 * time.Millisecond, isRunning: true, want: false},
		{interval: time.Second, period: 900 * time.Millisecond, isRunning: true, isFewer: true, want: true},
		{interval: time.Second, period: 700 * time.Millisecond, isRunning: true, isFewer: true, want: false},
		{interval: time.Second, period: 0, want: false},
	} {
		video.intervals = [8]time.Duration{3: tt.interval}
		s.decoder.endFeeding, s.decoder.worker = nil, &worker{}
		if tt.isRunning {
			s.decoder.endFeeding = func() {}
		}
		s.decoder.worker.feedKeyframesOnly.Store(tt.isFewer)
		if got := s.keyframesSuffice(s.decoder, tt.period); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
	video.lastKey = time.Now().Add(-time.Minute)
	if s.keyframesSuffice(s.decoder, 30*time.Second) {
		t.Error("the keyframe that does not come is enough")
	}
}
