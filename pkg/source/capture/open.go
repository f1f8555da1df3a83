package capture

import (
	"cmp"
	"context"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/sourceurl"
)

// defaultTimeout is how long opening, and waiting for a picture, may take if Start has no timeout.
const defaultTimeout = 10 * time.Second

// open opens the source that camd named.
func (c *sourceReader) open(ctx context.Context) (source, error) {
	src, err := sourceurl.Parse(c.start.Source)
	if err != nil {
		return nil, newFailure(camera.BadStream, "%v", err)
	}
	src.User, src.Password = cmp.Or(c.start.User, src.User), cmp.Or(c.start.Password, src.Password)
	c.src = src
	c.start.OpenTimeout = cmp.Or(c.start.OpenTimeout, defaultTimeout)
	c.start.ReadTimeout = cmp.Or(c.start.ReadTimeout, defaultTimeout)
	if src.Kind != sourceurl.Device {
		c.controls.setTarget(controlTarget{})
	}
	switch src.Kind {
	case sourceurl.Test:
		return newTestPattern(src, c.speed), nil
	case sourceurl.Device:
		return c.openDeviceWithControls(ctx, src.Path)
	case sourceurl.File:
		return openFile(ctx, src, c.start, c.speed)
	default:
		return openNetwork(ctx, src, c.start, c.speed, c.countLoss)
	}
}

// countLoss counts a picture that package httpmjpeg has left out.
func (c *sourceReader) countLoss(l httpmjpeg.SkippedPicture) {
	cause := media.Damaged
	switch {
	case l.Size > 0:
		cause = media.TooLarge
	case l.Truncated:
		cause = media.Truncated
	}
	c.frames.countRefused(cause, l.Size)
}
