package source

import (
	"bytes"
	"fmt"
	"time"

	"camd/pkg/camera"
)

// freezeDetector notices pictures that repeat. A sensor's noise makes every picture a little different even of a scene where
// nothing moves; the same bytes again and again come from a driver or a camera that has stopped looking.
type freezeDetector struct {
	lastJPEG []byte
	since    time.Time // when it first came
}

// observe takes the newest picture and returns for how long it has been the same.
func (s *freezeDetector) observe(jpeg []byte, now time.Time) time.Duration {
	if !bytes.Equal(jpeg, s.lastJPEG) {
		s.lastJPEG, s.since = jpeg, now
	}
	return now.Sub(s.since)
}

// handleFreeze deals with a picture that viewers have seen for too long. The camera is opened again, after a while, like one
// that gives no pictures.
func (s *supervisor) handleFreeze() {
	s.lastFault = fault{camera.Frozen, fmt.Sprintf("not a bit of its picture has changed for %v", s.opts.FrozenTimeout)}
	s.setState(camera.Stalled, s.lastFault.reason, s.lastFault.detail)
}
