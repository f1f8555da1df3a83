package capture

import (
	"cmp"
	"context"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
)

// defaultTimeout is how long opening, and waiting for a picture, may take if Start has no timeout.
const defaultTimeout = 10 * time.Second

// open opens the source that camd named.
func (s *sourceReader) open(ctx context.Context) (source, error) {
	if s.start.Decode {
		return s.openInput(ctx)
	}
	src, err := sourceurl.Parse(s.start.Source)
	if err != nil {
		return nil, newFailure(camera.BadStream, "%v", err)
	}
	src.User, src.Password = cmp.Or(s.start.User, src.User), cmp.Or(s.start.Password, src.Password)
	s.src = src
	s.start.OpenTimeout = cmp.Or(s.start.OpenTimeout, defaultTimeout)
	s.start.ReadTimeout = cmp.Or(s.start.ReadTimeout, defaultTimeout)
	if src.Kind != sourceurl.Device {
		s.controls.setTarget(controlTarget{})
	}
	switch src.Kind {
	case sourceurl.Test:
		return newTestPattern(src, s.speed), nil
	case sourceurl.Device:
		return s.openDeviceWithControls(ctx, src.Path)
	case sourceurl.File:
		return openFile(ctx, src, s.start, s.speed)
	default:
		return openNetwork(ctx, src, s.start, s.speed)
	}
}
