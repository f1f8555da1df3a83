package source

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// workerSession is one worker's life.
type workerSession struct {
	worker       *worker         // nil when none runs
	events       <-chan event    // the worker's; nil when none runs
	reportedEnd  *endedEvent     // the worker's last message, which says why it ends
	loadingSlot  *startSlot      // until it has loaded OpenCV; nil after that
	loaded       bool            // it has loaded OpenCV
	stopDetector stoppedDetector // whether a signal has stopped it
	started      time.Time
	lastProgress time.Time     // when it last gave a sign of good pictures, had loaded OpenCV, or was started
	format       camera.Format // zero until it has the source open
	opened       bool
	hasFrame     bool          // it has given a picture
	framesRead   uint64        // its own count of pictures
	readTimeout  time.Duration // how long it waits for its source
	lastFault    fault
}

// fault is what is wrong with the newest picture; the zero value is nothing.
type fault struct {
	reason camera.Reason
	detail string
}

// refusalFault says why a picture was refused.
func (s *supervisor) refusalFault(err *media.RefusedError) fault {
	if err.Cause == media.TooLarge {
		return fault{camera.TooLarge, fmt.Sprintf("%s (limits.frame_pixels is %d, limits.frame_bytes %d)",
			err.Detail, s.opts.Limits.Pixels, s.opts.Limits.Bytes)}
	}
	return fault{causeReason(err.Cause), err.Error()}
}

// causeReason is why a camera is not live whose pictures are refused for one of media.Causes.
func causeReason(cause string) camera.Reason {
	switch cause {
	case media.Damaged, media.Truncated:
		return camera.Damaged
	case media.TooLarge:
		return camera.TooLarge
	}
	return camera.BadStream
}

// startWorker starts a process, with the permission that was granted for it.
func (s *supervisor) startWorker() {
	slot := s.queuedSlot
	s.queuedSlot = nil
	w, err := startWorker(s.opts.WorkerPath, s.startMessage(), s.log)
	if err != nil {
		slot.release()
		s.handleFailure(camera.WorkerMissing, startErrorDetail(s.opts.WorkerPath, err))
		return
	}
	now := time.Now()
	s.workerSession = workerSession{worker: w, events: w.events, loadingSlot: slot, started: now, lastProgress: now, readTimeout: s.opts.startMessage().ReadTimeout}
	clear(s.unsent)
	s.setWorker(w.cmd.Process.Pid, 0)
	s.sampleRate(now)
	for i, wanted := range s.hasReaders {
		if wanted {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
}

// stopWorker stops the worker, if any.
func (s *supervisor) stopWorker() {
	if w := s.worker; w != nil {
		s.releaseLoadingSlot()
		w.stop(s.opts.StopGracePeriod)
		if !w.reaped {
			s.stuckWorkers = append(removeExited(s.stuckWorkers), w)
		}
		s.worker, s.events = nil, nil
		s.setWorker(0, w.cpuTime())
		s.failPendingRequests()
	}
}

// releaseLoadingSlot lets another camera start.
func (s *supervisor) releaseLoadingSlot() {
	s.loadingSlot.release()
	s.loadingSlot = nil
}

// handleEvent handles an event of the worker.
func (s *supervisor) handleEvent(e event) {
	switch e := e.(type) {
	case loadedEvent:
		if !s.loaded { // the open timeout begins, once
			s.loaded, s.lastProgress = true, time.Now()
			s.releaseLoadingSlot()
		}
	case openedEvent:
		s.opened, s.format, s.lastProgress = true, e.Format, time.Now()
		s.cancelRetry()
		s.sendUnsentControls()
		s.updateStatus(func(st *camera.Status) { st.Format = e.Format })
		s.log.Info("camera opened", zap.String("backend", e.Backend), zap.String("codec", e.Codec),
			zap.Int("width", e.Width), zap.Int("height", e.Height), zap.Float64("fps", e.FPS),
			zap.Bool("passthrough", e.Passthrough), zap.String("note", e.Note))
	case heartbeatEvent:
		if s.countFrames(e.count) {
			s.noteProgress()
		}
	case refusedEvent:
		s.countFrames(e.count)
		s.refused[e.err.Cause].Add(1)
		s.lastFault = s.refusalFault(e.err)
	case workerRefusedEvent:
		for cause, n := range e.counts {
			s.refused[cause].Add(n)
		}
		if e.size > 0 {
			s.lastFault = fault{camera.TooLarge, camera.FrameTooLargeDetail(e.size, int64(s.opts.Limits.Bytes))}
		}
		if e.fault != (fault{}) {
			s.lastFault = e.fault
		}
	case frameEvent:
		s.handleFrame(e)
	case wire.Controls:
		s.handleControlReply(e)
	case endedEvent: // whether or not it also exits
		s.reportedEnd = &e
		s.handleWorkerExit()
	}
}

// countFrames notes how many pictures the worker has read, and reports whether that is more than before.
func (s *supervisor) countFrames(total uint64) bool {
	if total <= s.framesRead {
		return false
	}
	s.captured.Add(total - s.framesRead)
	s.framesRead = total
	return true
}

// noteProgress notes a sign of good pictures. Only a picture that could be shown makes a camera live for the first time.
func (s *supervisor) noteProgress() {
	if s.hasFrame && s.lastFault == (fault{}) {
		s.lastProgress = time.Now()
		s.setState(camera.Live, camera.None, "")
	}
}

// handleFrame publishes a live picture.
func (s *supervisor) handleFrame(p frameEvent) {
	s.countFrames(p.count)
	if p.rendition > 0 {
		s.handleRenditionFrame(p)
		return
	}
	if unchanged := s.freezeDetector.observe(p.frame.JPEG, time.Now()); s.opts.FrozenTimeout > 0 && unchanged >= s.opts.FrozenTimeout {
		s.handleFreeze()
		return
	}
	s.hasFrame, s.lastFault = true, fault{}
	s.publishFrame(p)
	s.lastFrameNanos.Store(p.frame.Captured.UnixNano())
	s.noteProgress()
}

// handleRenditionFrame publishes a picture of a rendition beside main: for readers, and only while main is live.
func (s *supervisor) handleRenditionFrame(p frameEvent) {
	if s.State != camera.Live || p.rendition >= len(s.hasReaders) || !s.hasReaders[p.rendition] {
		return
	}
	s.publishFrame(p)
	s.noteProgress()
}

// requestMissingRenditions asks again for renditions that have no picture although main has: the worker made theirs when main had trouble yet,
// and may make the next a long time after.
func (s *supervisor) requestMissingRenditions() {
	for i, st := range s.streams.Load().byNumber {
		if i == 0 || !s.hasReaders[i] || s.worker == nil {
			continue
		}
		if f := st.topic.Newest(); f == nil || f.Placeholder {
			s.worker.send(wire.Demand{Rendition: uint8(i), Wanted: true})
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

// handleWorkerExit deals with a worker that has closed its end.
func (s *supervisor) handleWorkerExit() {
	w := s.worker
	s.stopWorker()
	end := endedEvent{}
	if s.reportedEnd != nil {
		end = *s.reportedEnd
	} else {
		end.reason, end.detail = w.exitReason()
	}
	if end.reason == camera.None {
		end = endedEvent{camera.WorkerCrashed, "another program told it to end"}
	} else if _, known := s.restarts[end.reason]; !known {
		end = endedEvent{camera.WorkerCrashed, "it ended for a reason unknown to camd: " + string(end.reason)}
	}
	if end.reason == camera.Resized && s.hasFrame && time.Since(s.started) > minRunBeforeResize {
		s.replaceWorker(camera.Resized)
		return
	}
	s.handleFailure(end.reason, end.detail)
}
