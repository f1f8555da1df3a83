package source

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/wire"
)

// session is one worker's life.
type session struct {
	worker    *worker      // nil when none runs
	events    <-chan event // the worker's; nil when none runs
	final     *ended       // the worker's own word on why it ends
	loading   *startSlot   // until it has loaded OpenCV; nil after that
	loaded    bool         // it has loaded OpenCV
	halt      halt         // whether a signal has stopped it
	started   time.Time
	progress  time.Time     // when it last gave a sign of good pictures, had loaded OpenCV, or was started
	format    camera.Format // zero until it has the source open
	opened    bool
	flowed    bool          // it has given a picture
	seen      uint64        // its own count of pictures
	patience  time.Duration // its own with its source
	complaint complaint
}

// complaint is what is wrong with the newest picture; the zero value is nothing.
type complaint struct {
	reason camera.Reason
	detail string
}

// complaintOf says why a picture was refused.
func (s *supervisor) complaintOf(err *mjpeg.RefusedError) complaint {
	if err.Cause == mjpeg.TooLarge {
		return complaint{camera.TooLarge, fmt.Sprintf("%s (limits.frame_pixels is %d, limits.frame_bytes %d)",
			err.What, s.opts.Limits.Pixels, s.opts.Limits.Bytes)}
	}
	return complaint{reasonFor(err.Cause), err.Error()}
}

// reasonFor is why a camera is not live whose pictures are refused for one of mjpeg.Causes.
func reasonFor(cause string) camera.Reason {
	switch cause {
	case mjpeg.Damaged, mjpeg.Truncated:
		return camera.Damaged
	case mjpeg.TooLarge:
		return camera.TooLarge
	}
	return camera.BadStream
}

// startWorker starts a process, with the permission that was granted for it.
func (s *supervisor) startWorker() {
	slot := s.queued
	s.queued = nil
	w, err := startWorker(s.opts.Worker, s.start(), s.log)
	if err != nil {
		slot.release()
		s.failed(camera.WorkerMissing, startError(s.opts.Worker, err))
		return
	}
	now := time.Now()
	s.session = session{worker: w, events: w.events, loading: slot, started: now, progress: now, patience: s.opts.start().ReadTimeout}
	clear(s.owed)
	s.setWorker(w.cmd.Process.Pid, 0)
	s.sample(now)
	for i, wanted := range s.wants {
		if wanted {
			w.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
}

// end stops the worker, if any.
func (s *supervisor) end() {
	if w := s.worker; w != nil {
		s.endLoading()
		w.stop(s.opts.Grace)
		if !w.gone {
			s.stuck = append(stillThere(s.stuck), w)
		}
		s.worker, s.events = nil, nil
		s.setWorker(0, w.cpu())
		s.abandon()
	}
}

// endLoading lets another camera start.
func (s *supervisor) endLoading() {
	s.loading.release()
	s.loading = nil
}

// handle takes what the worker has to say.
func (s *supervisor) handle(e event) {
	switch e := e.(type) {
	case loaded:
		if !s.loaded { // the open timeout begins, once
			s.loaded, s.progress = true, time.Now()
			s.endLoading()
		}
	case opened:
		s.opened, s.format, s.progress = true, e.Format, time.Now()
		s.settle()
		s.pay()
		s.update(func(st *camera.Status) { st.Format = e.Format })
		s.log.Info("camera opened", zap.String("backend", e.Backend), zap.String("codec", e.Codec),
			zap.Int("width", e.Width), zap.Int("height", e.Height), zap.Float64("fps", e.FPS),
			zap.Bool("passthrough", e.Passthrough), zap.String("note", e.Note))
	case beat:
		if s.count(e.count) {
			s.alive()
		}
	case refused:
		s.count(e.count)
		s.refused[e.err.Cause].Add(1)
		s.complaint = s.complaintOf(e.err)
	case lost:
		for cause, n := range e.pictures {
			s.refused[cause].Add(n)
		}
		if e.size > 0 {
			s.complaint = complaint{camera.TooLarge, camera.ExceedsFrameBytes(e.size, int64(s.opts.Limits.Bytes))}
		}
		if e.complaint != (complaint{}) {
			s.complaint = e.complaint
		}
	case picture:
		s.show(e)
	case wire.Controls:
		s.answered(e)
	case ended: // whether or not it also exits
		s.final = &e
		s.lost()
	}
}

// count notes how many pictures the worker has read, and reports whether that is more than before.
func (s *supervisor) count(total uint64) bool {
	if total <= s.seen {
		return false
	}
	s.captured.Add(total - s.seen)
	s.seen = total
	return true
}

// alive notes a sign of good pictures. Only a picture that could be shown makes a camera live for the first time.
func (s *supervisor) alive() {
	if s.flowed && s.complaint == (complaint{}) {
		s.progress = time.Now()
		s.become(camera.Live, camera.None, "")
	}
}

// show publishes a live picture.
func (s *supervisor) show(p picture) {
	s.count(p.count)
	if p.rendition > 0 {
		s.showSmall(p)
		return
	}
	if same := s.still.sees(p.frame.JPEG, time.Now()); s.opts.Frozen > 0 && same >= s.opts.Frozen {
		s.freeze()
		return
	}
	s.flowed, s.complaint = true, complaint{}
	s.publish(p)
	s.lastPic.Store(p.frame.Captured.UnixNano())
	s.alive()
}

// showSmall publishes a picture of a rendition beside main: for readers, and only while main is live.
func (s *supervisor) showSmall(p picture) {
	if s.state != camera.Live || p.rendition >= len(s.wants) || !s.wants[p.rendition] {
		return
	}
	s.publish(p)
	s.alive()
}

// remind asks anew for renditions that have no picture although main has: the worker made theirs when main had trouble yet,
// and may make the next a long time after.
func (s *supervisor) remind() {
	for i, st := range s.streams.Load().numbered {
		if i == 0 || !s.wants[i] || s.worker == nil {
			continue
		}
		if f := st.topic.Newest(); f == nil || f.Placeholder {
			s.worker.send(wire.Demand{Rendition: uint8(i), Wanted: true})
		}
	}
}

func (s *supervisor) publish(p picture) {
	st := s.streams.Load().numbered[p.rendition]
	f := st.topic.Publish(p.frame)
	st.published.Add(1)
	if p.encode > 0 {
		s.opts.Observer.Encoded(st.Name, p.encode)
	}
	s.opts.Observer.Published(st.Name, time.Since(f.Captured))
}

// lost deals with a worker that has closed its end.
func (s *supervisor) lost() {
	w := s.worker
	s.end()
	why := ended{}
	if s.final != nil {
		why = *s.final
	} else {
		why.reason, why.detail = w.verdict()
	}
	if why.reason == camera.None {
		why = ended{camera.WorkerCrashed, "another program told it to end"}
	} else if _, known := s.restarts[why.reason]; !known {
		why = ended{camera.WorkerCrashed, "it ended for a reason unknown to camd: " + string(why.reason)}
	}
	if why.reason == camera.Resized && s.flowed && time.Since(s.started) > settled {
		s.replace(camera.Resized)
		return
	}
	s.failed(why.reason, why.detail)
}
