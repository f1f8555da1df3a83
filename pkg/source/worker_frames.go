package source

import (
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// handleEvent handles an event of the worker.
func (s *supervisor) handleEvent(e event) {
	switch e := e.(type) {
	case loadedEvent:
		s.noteLoaded()
	case openedEvent:
		s.opened, s.format, s.lastProgress = true, e.Format, time.Now()
		if !s.isVideo() {
			s.tracks.Load().video.forget()
		}
		s.cancelRetry()
		s.sendUnsentControls()
		s.updateStatus(func(st *camera.Status) { st.Format, s.stats.opened = e.Format, s.lastProgress })
		s.log.Info("camera opened", zap.String("backend", e.Backend), zap.String("codec", e.Codec),
			zap.Int("width", e.Width), zap.Int("height", e.Height), zap.Float64("fps", e.FPS),
			zap.Bool("passthrough", e.Passthrough), zap.String("note", e.Note))
	case videoEvent:
		s.handleVideo(e)
	case heartbeatEvent:
		if s.countFrames(e.count) {
			s.noteProgress()
		}
	case refusedEvent:
		s.countFrames(e.count)
		s.countRefused(&s.workerSession, e)
	case workerRefusedEvent:
		s.countRefused(&s.workerSession, e)
	case frameEvent:
		s.handleFrame(e)
	case wire.Controls:
		s.handleControlReply(e)
	case endedEvent: // whether or not it also exits
		s.reportedEnd = &e
		s.handleWorkerExit()
	}
}

// countFrames records how many pictures the worker has read so far, and reports whether that is more than before.
func (s *supervisor) countFrames(total uint64) bool {
	if total <= s.framesRead {
		return false
	}
	s.captured.Add(total - s.framesRead)
	s.framesRead = total
	return true
}

// noteProgress records a sign of good pictures and makes the camera live. It does nothing before the worker's first good picture, or
// while the newest picture has a fault.
func (s *supervisor) noteProgress() {
	if s.hasFrame && s.lastFault == (fault{}) {
		s.lastProgress = time.Now()
		if s.State != camera.Live {
			s.expireDecoded() // they hold the placeholder of the state before
			s.setState(camera.Live, camera.None, "")
			s.updateDecoders()
			s.updateSubstream()
		}
	}
}

// noteSize records the size of the frames, which is not always known when the source is opened.
func (s *supervisor) noteSize(f *broker.Format) {
	if s.format.Width != f.Width || s.format.Height != f.Height {
		s.format.Width, s.format.Height = f.Width, f.Height
		s.updateStatus(func(st *camera.Status) { st.Format = s.format })
	}
}

// handleVideo publishes a frame of H.264 or H.265 and makes the camera live.
func (s *supervisor) handleVideo(v videoEvent) {
	s.countFrames(v.count)
	t := s.tracks.Load().video
	if t == nil {
		return
	}
	s.noteSize(v.frame.Format)
	s.lastFrameSize = sourceurl.Size{Width: v.frame.Format.Width, Height: v.frame.Format.Height}
	s.hasFrame, s.lastFault = true, fault{}
	t.publish(v.frame)
	s.lastFrameNanos.Store(v.frame.Captured.UnixNano())
	s.opts.Observer.Published(t.name, time.Since(v.frame.Captured))
	s.noteProgress()
}

// handleFrame publishes a picture and makes the camera live, unless the camera is frozen.
func (s *supervisor) handleFrame(p frameEvent) {
	s.countFrames(p.count)
	if p.rendition > 0 {
		s.handleRenditionFrame(p)
		return
	}
	if unchanged := s.freezeDetector.observe(p.frame.Data, time.Now()); s.opts.FrozenTimeout > 0 && unchanged >= s.opts.FrozenTimeout {
		s.handleFreeze()
		return
	}
	s.hasFrame, s.lastFault = true, fault{}
	s.noteSize(p.frame.Format)
	s.publishFrame(p)
	s.lastFrameNanos.Store(p.frame.Captured.UnixNano())
	s.noteProgress()
}

// handleRenditionFrame publishes a picture of a rendition other than main if the camera is live and somebody reads the rendition.
func (s *supervisor) handleRenditionFrame(p frameEvent) {
	if s.State != camera.Live || p.rendition >= len(s.demands) || !s.demands[p.rendition].Wanted {
		return
	}
	s.publishFrame(p)
	s.noteProgress()
}

// requestMissingRenditions requests renditions again that have readers but no live picture although the camera is live. Their pictures
// came before the camera was live and were not published, and the next may come much later.
func (s *supervisor) requestMissingRenditions() {
	for i, st := range s.streams.Load().byNumber {
		w, d := s.worker, s.decoderOf(i)
		if d != nil {
			w = d.worker
		}
		if i == 0 && d == nil || !s.demands[i].Frames || w == nil {
			continue
		}
		if f := st.topic.Newest(); f == nil || f.Placeholder {
			w.send(s.demandMessage(i))
		}
	}
}

func (s *supervisor) publishFrame(p frameEvent) {
	st := s.streams.Load().byNumber[p.rendition]
	f := st.topic.Publish(p.frame)
	st.published.Add(1)
	if p.encode > 0 {
		s.opts.Observer.Encoded(st.Name, p.encode)
	}
	s.opts.Observer.Published(st.Name, time.Since(f.Captured))
}
