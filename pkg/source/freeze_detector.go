package source

import (
	"bytes"
	"fmt"
	"time"

	"camd/pkg/camera"
)

// freezeDetector finds cameras that repeat one picture. The noise of a sensor makes every picture different, even where nothing moves.
// The same bytes again and again come from a driver or camera that hangs.
type freezeDetector struct {
	lastJPEG []byte
	since    time.Time // when lastJPEG first came
}

// observe records the newest picture and returns for how long the picture has been the same.
func (f *freezeDetector) observe(jpeg []byte, now time.Time) time.Duration {
	if !bytes.Equal(jpeg, f.lastJPEG) {
		f.lastJPEG, f.since = jpeg, now
	}
	return now.Sub(f.since)
}

// handleFreeze makes a camera stalled that repeats one picture. checkProgress opens it again later, like a camera that delivers no
// pictures.
func (s *supervisor) handleFreeze() {
	s.lastFault = s.freezeFault()
	s.setState(camera.Stalled, s.lastFault.reason, s.lastFault.detail)
}

func (s *supervisor) freezeFault() fault {
	return fault{camera.Frozen, fmt.Sprintf("all pictures have been identical for %v", s.opts.FrozenTimeout)}
}
