package source

import (
	"fmt"

	"camd/pkg/camera"
	"camd/pkg/media"
)

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
