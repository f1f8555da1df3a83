package source

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// workerSession is the state of one worker, from its start to its end.
type workerSession struct {
	worker          *worker         // nil when none runs
	events          <-chan event    // of the worker; nil when none runs
	reportedEnd     *endedEvent     // the worker's last message, with the reason why it ends; nil before it
	loadingSlot     *startSlot      // held until the worker has loaded OpenCV; then nil
	loaded          bool            // the worker has loaded OpenCV
	sigstopDetector sigstopDetector // finds out that a signal has stopped the worker
	started         time.Time
	lastProgress    time.Time     // of the newest sign of good pictures; before the first, when the worker opened its source, loaded OpenCV or started
	format          camera.Format // zero until the worker has opened its source
	opened          bool          // the worker has opened its source
	hasFrame        bool          // the worker has sent a good picture
	framesRead      uint64        // how many pictures the worker has read, by its own count
	readTimeout     time.Duration // how long the worker waits for a picture
	lastFault       fault         // of the newest picture
}

// fault is what is wrong with a picture. The zero value means that nothing is.
type fault struct {
	reason camera.Reason
	detail string
}

// refusalFault returns the fault of a picture that camd refused.
func (s *supervisor) refusalFault(err *media.RefusedError) fault {
	if err.Cause == media.TooLarge {
		return fault{camera.TooLarge, fmt.Sprintf("%s (limits.frame_pixels is %d, limits.frame_bytes %d)",
			err.Detail, s.opts.Limits.Pixels, s.opts.Limits.Bytes)}
	}
	return fault{causeReason(err.Cause), err.Error()}
}

// causeReason returns the reason for a camera whose pictures are refused for a cause, one of media.Causes.
func causeReason(cause string) camera.Reason {
	switch cause {
	case media.Damaged, media.Truncated:
		return camera.Damaged
	case media.TooLarge:
		return camera.TooLarge
	}
	return camera.BadStream
}

// startWorker starts a process. It uses queuedSlot, which has been granted.
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
	s.setWorker(w.pid(), 0)
	s.sampleRate(now)
	for i, wanted := range s.hasReaders {
		if wanted {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
}

// stopWorker stops the worker, if one runs, and returns when it has ended or counts as stuck.
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

// releaseLoadingSlot releases the start slot, so that another camera can start. Further calls do nothing.
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
		s.setState(camera.Live, camera.None, "")
	}
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
	s.publishFrame(p)
	s.lastFrameNanos.Store(p.frame.Captured.UnixNano())
	s.noteProgress()
}

// handleRenditionFrame publishes a picture of a rendition other than main if the camera is live and somebody reads the rendition.
func (s *supervisor) handleRenditionFrame(p frameEvent) {
	if s.State != camera.Live || p.rendition >= len(s.hasReaders) || !s.hasReaders[p.rendition] {
		return
	}
	s.publishFrame(p)
	s.noteProgress()
}

// requestMissingRenditions requests renditions again that have readers but no live picture although the camera is live. Their pictures
// came before the camera was live and were not published, and the next may come much later.
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

// handleWorkerExit stops a worker that has ended or reported its end, and handles the reason.
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
		end = endedEvent{reason: camera.WorkerCrashed, detail: "another program stopped camd-capture"}
	} else if _, known := s.restarts[end.reason]; !known {
		end = endedEvent{reason: camera.WorkerCrashed, detail: fmt.Sprintf("camd-capture ended with the unknown reason %q", end.reason)}
	}
	if end.reason == camera.Resized && s.hasFrame && time.Since(s.started) > minRunBeforeResize {
		s.replaceWorker(camera.Resized)
		return
	}
	s.handleFailure(end.reason, end.detail)
}
