package source

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
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

// newWorkerSession returns the state of a worker that has just been started in a start slot, or without one.
func newWorkerSession(w *worker, slot *startSlot) workerSession {
	now := time.Now()
	return workerSession{worker: w, events: w.events, loadingSlot: slot, started: now, lastProgress: now}
}

// startWorker starts a worker: a capture process in queuedSlot, which has been granted, or a session of the readers process.
func (s *supervisor) startWorker() {
	slot := s.queuedSlot
	s.queuedSlot = nil
	w, err := s.newWorker()
	if err != nil {
		slot.release()
		s.handleFailure(camera.WorkerMissing, err.Error())
		return
	}
	s.workerSession = newWorkerSession(w, slot)
	s.readTimeout = s.opts.startMessage().ReadTimeout
	clear(s.unsent)
	s.setProcess(&s.usage, w.pid(), 0)
	s.sampleRate(s.started)
	for i, wanted := range s.hasReaders {
		if wanted {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
}

// newWorker starts a session of the readers process or a capture process.
func (s *supervisor) newWorker() (*worker, error) {
	if s.usesReader() {
		return s.readers.open(s.id, s.startMessage())
	}
	w, err := startWorker(s.opts.WorkerPath, s.startMessage(), s.log)
	if err != nil {
		return nil, errors.New(startErrorDetail(s.opts.WorkerPath, err))
	}
	return w, nil
}

// stopWorker stops the worker and the secondary workers, if they run, and returns when they have ended or count as stuck.
func (s *supervisor) stopWorker() {
	s.stopTogether()
	s.stopSecondary(s.decoder)
	s.stopSecondary(s.substream)
	if s.worker != nil {
		s.endSession(&s.workerSession, &s.usage)
		s.failPendingRequests()
		s.tracks.Load().video.interrupt()
	}
}

// stopTogether stops the processes and sessions of all workers at the same time, because each may take seconds.
func (s *supervisor) stopTogether() {
	s.stopFeeding()
	var stopping sync.WaitGroup
	for _, w := range []*worker{s.worker, s.decoder.worker, s.substream.worker} {
		if w != nil {
			stopping.Go(func() { w.stop(s.opts.StopGracePeriod) })
		}
	}
	stopping.Wait()
}

// endSession ends a worker. It returns when the worker has ended or counts as stuck.
func (s *supervisor) endSession(ws *workerSession, usage *workerUsage) {
	w := ws.worker
	ws.releaseLoadingSlot()
	w.stop(s.opts.StopGracePeriod)
	if !w.reaped {
		s.stuckWorkers = append(removeExited(s.stuckWorkers), w)
	}
	ws.worker, ws.events = nil, nil
	s.setProcess(usage, 0, w.cpuTime())
}

// releaseLoadingSlot releases the start slot, so that another camera can start. Further calls do nothing.
func (w *workerSession) releaseLoadingSlot() {
	w.loadingSlot.release()
	w.loadingSlot = nil
}

// noteLoaded records that the worker is about to open its source. The open timeout begins, once.
func (w *workerSession) noteLoaded() {
	if !w.loaded {
		w.loaded, w.lastProgress = true, time.Now()
		w.releaseLoadingSlot()
	}
}

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

// countRefused counts what e, a refusedEvent or workerRefusedEvent, reports, and records what is wrong with the worker's newest picture.
func (s *supervisor) countRefused(ws *workerSession, e event) {
	switch e := e.(type) {
	case refusedEvent:
		s.refused[e.err.Cause].Add(1)
		ws.lastFault = s.refusalFault(e.err)
	case workerRefusedEvent:
		for cause, n := range e.counts {
			s.refused[cause].Add(n)
		}
		if e.size > 0 {
			ws.lastFault = fault{camera.TooLarge, camera.FrameTooLargeDetail(e.size, int64(s.opts.Limits.Bytes))}
		}
		if e.fault != (fault{}) {
			ws.lastFault = e.fault
		}
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
			s.updateDecoder()
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
		w := s.workerFor(i)
		if i == 0 && !s.isDecoded(0) || !s.hasReaders[i] || w == nil {
			continue
		}
		if f := st.topic.Newest(); f == nil || f.Placeholder {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
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
		end = s.knownEnd(*s.reportedEnd)
	} else {
		end.reason, end.detail = w.exitReason()
	}
	if end.unsupported && s.fallBack() {
		s.log.Warn("camera is read by OpenCV, which takes more CPU time", zap.String("reason", string(end.reason)), zap.String("detail", end.detail))
		s.restarts[end.reason].Add(1)
		s.setState(camera.Starting, camera.None, "")
		s.attemptOpen()
		return
	}
	if s.reportedEnd == nil && w.isCrashOfOther() {
		s.replaceWorker(camera.WorkerCrashed)
		return
	}
	if end.reason == camera.Resized && s.hasFrame && time.Since(s.started) > minRunBeforeResize {
		s.replaceWorker(camera.Resized)
		return
	}
	s.handleFailure(end.reason, end.detail)
}

// knownEnd returns the end that a worker has reported, with another reason if a worker cannot have that reason.
func (s *supervisor) knownEnd(end endedEvent) endedEvent {
	if end.reason == camera.None {
		return endedEvent{reason: camera.WorkerCrashed, detail: "another program stopped camd-capture"}
	}
	if _, known := s.restarts[end.reason]; !known {
		return endedEvent{reason: camera.WorkerCrashed, detail: fmt.Sprintf("camd-capture ended with the unknown reason %q", end.reason)}
	}
	return end
}
