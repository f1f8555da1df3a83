package media

import (
	"time"

	"camd/pkg/broker"
)

// JPEG is the codec of frames that are JPEGs, in [broker.Format].
const JPEG = "jpeg"

// JPEGFrames builds the frames of one stream of JPEGs. Consecutive frames of the same size share their format. The zero value is ready to
// use. A JPEGFrames is not safe for concurrent use.
type JPEGFrames struct{ format *broker.Format }

// Frame returns a frame with the picture p, which is within part (see [NewPart]), captured at the time captured.
func (j *JPEGFrames) Frame(part []byte, p Picture, captured time.Time) broker.Frame {
	if j.format == nil || j.format.Width != p.Width || j.format.Height != p.Height {
		j.format = NewJPEGFormat(p.Width, p.Height)
	}
	return broker.Frame{Captured: captured, Key: true, Format: j.format, Wire: part, Data: p.JPEG}
}

// NewJPEGFormat returns the format of JPEGs with a size in pixels.
func NewJPEGFormat(width, height int) *broker.Format {
	return &broker.Format{Codec: JPEG, Width: width, Height: height}
}
