package capture

import (
	condition "camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/mixed"
	"camd/pkg/source/wire"
)

// mostOversize is how many pictures in a row may be too large before a source is given up: to read on costs much and shows
// nothing. camd tries it again later.
const mostOversize = 30

// limitsOf returns what camd allows of a picture.
func limitsOf(start wire.Start) mjpeg.Limits {
	return mjpeg.Limits{Bytes: start.FrameBytes, Pixels: start.FramePixels}.OrDefault()
}

// oversize follows the pictures of a source that have more bytes than the limit.
type oversize struct {
	limit int
	size  int64 // of the newest one
	inRow int   // how many came since the last picture that was whole and small enough
}

// note takes a picture that was left out.
func (o *oversize) note(l mixed.Loss) {
	if l.Size > 0 {
		o.size = l.Size
		o.inRow++
	}
}

func (o *oversize) hopeless() bool { return o.inRow >= mostOversize }

// failure is why the source gives no picture, nil if that is not for the size of its pictures.
func (o *oversize) failure() error {
	if o.inRow == 0 {
		return nil
	}
	return fail(condition.TooLarge, "%s", condition.ExceedsFrameBytes(o.size, int64(o.limit)))
}
