package source

import (
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

// pumpedSupervisor is a supervisor without Run: the test handles its events.
type pumpedSupervisor struct{ *supervisor }

// newPumpedSupervisor opens a camera of the readers process, and returns when it is live.
func newPumpedSupervisor(t *testing.T, c *Camera) *pumpedSupervisor {
	t.Helper()
	s := &pumpedSupervisor{newSupervisor(c)}
	t.Cleanup(func() {
		s.stopWorker()
		c.readers.close()
	})
	s.setState(camera.Starting, camera.None, "")
	s.startWorker()
	s.pump(t, func() bool { return s.State == camera.Live })
	return s
}

// pump handles the events of all workers until a condition holds.
func (s *pumpedSupervisor) pump(t *testing.T, isDone func() bool) {
	t.Helper()
	timeout := time.After(testrun.Deadline)
	for !isDone() {
		select {
		case e, ok := <-s.events:
			if !ok {
				t.Fatal("the worker ended")
			}
			s.handleEvent(e)
		case e, ok := <-s.decoder.events:
			s.handleDecoderMessage(s.decoder, e, ok)
		case e, ok := <-s.subDecoder.events:
			s.handleDecoderMessage(s.subDecoder, e, ok)
		case e, ok := <-s.substream.events:
			s.handleSecondaryEvent(s.substream, e, ok)
		case <-s.decoder.queuedSlot.granted():
			s.startSecondary(s.decoder.secondary)
		case <-s.subDecoder.queuedSlot.granted():
			s.startSecondary(s.subDecoder.secondary)
		case <-s.decoder.retry:
			s.retryDecoder(s.decoder)
		case <-timeout:
			t.Fatal("the condition does not come true")
		}
	}
}
