package source

import (
	"errors"
	"sync"
	"time"

	"camd/pkg/camera"
)

// workerSession is the state of one worker, from its start to its end.
type workerSession struct {
	worker          *worker         // nil when none runs
	events          <-chan event    // of the worker; nil when none runs
	reportedEnd     *endedEvent     // the worker's last message, with the reason why it ends; nil before it
	loadingSlot     *startSlot      // held until the worker has loaded OpenCV, and a decoder until it has caught up with its camera; then nil
	slotSince       time.Time       // since when loadingSlot is held
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

// newWorkerSession returns the state of a worker that has just been started in a start slot, or without one.
func newWorkerSession(w *worker, slot *startSlot) workerSession {
	now := time.Now()
	return workerSession{worker: w, events: w.events, loadingSlot: slot, slotSince: now, started: now, lastProgress: now}
}

// holdSlot keeps a slot that was granted to a worker that runs.
func (w *workerSession) holdSlot(slot *startSlot) { w.loadingSlot, w.slotSince = slot, time.Now() }

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
	for i, demand := range s.demands {
		if demand.Frames {
			w.send(s.demandMessage(i))
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
	if s.worker != nil { // first: a decoder runs only beside it
		s.endSession(&s.workerSession, &s.usage)
		s.failPendingRequests()
		s.tracks.Load().video.interrupt()
	}
	s.stopDecoders()
	s.stopSecondary(s.substream)
}

// stopTogether stops the processes and sessions of all workers at the same time, because each may take seconds.
func (s *supervisor) stopTogether() {
	s.decoder.stopFeeding()
	s.subDecoder.stopFeeding()
	var stopping sync.WaitGroup
	for _, w := range []*worker{s.worker, s.decoder.worker, s.subDecoder.worker, s.substream.worker} {
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
