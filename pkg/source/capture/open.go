package capture

import (
	"cmp"
	"context"
	"time"

	condition "camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/mixed"
	"camd/pkg/source/spec"
)

// defaultTimeout is how long opening, and waiting for one picture, may take unless camd says otherwise.
const defaultTimeout = 10 * time.Second

// open opens the source that camd named.
func (c *camera) open(ctx context.Context) (source, error) {
	src, err := spec.Parse(c.start.Source)
	if err != nil {
		return nil, fail(condition.BadStream, "%v", err)
	}
	src.User, src.Password = cmp.Or(c.start.User, src.User), cmp.Or(c.start.Password, src.Password)
	c.src = src
	c.start.OpenTimeout = cmp.Or(c.start.OpenTimeout, defaultTimeout)
	c.start.ReadTimeout = cmp.Or(c.start.ReadTimeout, defaultTimeout)
	if src.Kind != spec.Device {
		c.panel.begin(bench{})
	}
	switch src.Kind {
	case spec.Test:
		return newTestPicture(src, c.speed), nil
	case spec.Device:
		return c.openAdjusted(ctx, src.Path)
	case spec.File:
		return openFile(ctx, src, c.start, c.speed)
	default:
		return openNetwork(ctx, src, c.start, c.speed, c.lose)
	}
}

// lose counts a picture that package mixed has left out.
func (c *camera) lose(l mixed.Loss) {
	cause := mjpeg.Damaged
	switch {
	case l.Size > 0:
		cause = mjpeg.TooLarge
	case l.CutOff:
		cause = mjpeg.Truncated
	}
	c.pictures.lose(cause, l.Size)
}

func (c *camera) scrub(text string) string { return scrub(c.src, text) }
