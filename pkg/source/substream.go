package source

import "camd/pkg/camera"

// initSubstream prepares the session that reads the camera's smaller stream. It runs while the camera is live.
func (s *supervisor) initSubstream() {
	s.substream = newSecondary("substream", new(workerUsage))
	s.substream.start = func() (*worker, error) {
		o := s.opts
		o.Source = o.Substream
		return s.readers.open(s.id, o.startMessage())
	}
	s.substream.handle = s.handleSubstreamEvent
	s.substream.ending = func() { s.tracks.Load().sub.interrupt() }
	s.substream.changed = func() {
		if t := s.tracks.Load().sub; t != nil {
			state := s.substream.state
			t.state.Store(&state)
		}
		s.updateDecoders() // renditions are made of the smaller stream only while it is live
	}
}

// handleSubstreamEvent publishes a frame of the smaller stream, or counts what its session has left out.
func (s *supervisor) handleSubstreamEvent(e event) {
	switch e := e.(type) {
	case videoEvent:
		if t := s.tracks.Load().sub; t != nil {
			s.substream.noteGoodFrame()
			t.publish(e.frame)
		}
	case frameEvent:
		s.failSecondary(s.substream, camera.BadStream, "the substream sends JPEGs: set it to H.264 or H.265 in the camera")
	case refusedEvent, workerRefusedEvent:
		s.countRefused(&s.substream.workerSession, e)
	}
}

// updateSubstream starts the session when the camera is live, and stops it when its worker has ended.
func (s *supervisor) updateSubstream() {
	s.runSecondary(s.substream, s.worker != nil && s.hasFrame && s.tracks.Load().sub != nil)
}
