package source

// initSubstream prepares the session that reads the camera's smaller stream. It runs while the camera is live.
func (s *supervisor) initSubstream() {
	s.substream = newSecondary("substream", new(workerUsage))
	s.substream.start = func() (*worker, error) {
		o := s.opts
		o.Source = o.Substream
		return s.readers.open(s.id, o.startMessage())
	}
	s.substream.handle = func(e event) {
		if v, isVideo := e.(videoEvent); isVideo && s.tracks.Load().sub != nil {
			s.substream.noteGoodFrame()
			s.tracks.Load().sub.publish(v.frame)
		}
	}
	s.substream.ending = func() { s.tracks.Load().sub.interrupt() }
	s.substream.changed = func() {
		if t := s.tracks.Load().sub; t != nil {
			state := s.substream.state
			t.state.Store(&state)
		}
	}
}

// updateSubstream starts the session when the camera is live, and stops it when its worker has ended.
func (s *supervisor) updateSubstream() {
	s.runSecondary(s.substream, s.worker != nil && s.hasFrame && s.tracks.Load().sub != nil)
}
