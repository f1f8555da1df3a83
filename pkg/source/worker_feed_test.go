package source

import (
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// A decoder that takes no bytes delays neither the end of its feed nor a message of the supervisor.
func TestStuckDecoderDelaysNobody(t *testing.T) {
	pipes, err := newWorkerPipes()
	if err != nil {
		t.Fatal(err)
	}
	defer pipes.closeChild()
	defer pipes.closeParent()
	w := &worker{commandPipe: pipes.commands, commandWriter: wire.NewWriter(pipes.commands)}
	topic := broker.NewTopic("cam/main", broker.Options{})
	topic.Publish(broker.Frame{Key: true, Format: &broker.Format{Codec: media.JPEG}, Data: make([]byte, 1<<20), Captured: time.Now()})
	stop := w.startFeeding(feedPlan{topic: topic})
	if _, err := pipes.childCommands.Read(make([]byte, 1)); err != nil { // the frame has begun, and the pipe has no room for all of it
		t.Fatal(err)
	}
	w.send(wire.Demand{Wanted: true})
	stop()
	if !w.isCut {
		t.Error("the decoder can get messages behind a part of a frame")
	}
	w.send(wire.Stop{})
}

// A decoder that waits for a keyframe, which may take half a minute, is not replaced.
func TestDecoderMayWaitForKeyframe(t *testing.T) {
	s := newSupervisor(New(Options{}))
	now := time.Now()
	s.State = camera.Live
	s.decoder.worker, s.decoder.loaded, s.decoder.lastProgress = &worker{host: &readerSession{}}, true, now.Add(-time.Hour)
	s.decoder.endFeeding = func() {}
	s.checkSecondary(s.decoder.secondary, now, s.isPictureDue(s.decoder))
	if s.decoder.state.State == camera.Offline || !s.decoder.lastProgress.Equal(now) {
		t.Errorf("%+v", s.decoder.state)
	}
	s.decoder.worker.lastFed.Store(now.Add(time.Second).UnixNano())
	if !s.isPictureDue(s.decoder) {
		t.Error("a decoder that gets frames may be silent")
	}
}
