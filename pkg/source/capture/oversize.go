package capture

import (
	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
)

// maxConsecutiveOversize is how many pictures in a row may be too large before a source is given up: to read on costs much and shows
// nothing. camd tries it again later.
const maxConsecutiveOversize = 30

// oversizeTracker follows the pictures of a source that have more bytes than the limit.
type oversizeTracker struct {
	limit       int
	onLoss      func(httpmjpeg.SkippedPicture) // is called for every picture that was left out
	size        int64                          // of the newest one
	consecutive int                            // how many came since the last picture that was whole and small enough
}

// record takes a picture that was left out.
func (o *oversizeTracker) record(l httpmjpeg.SkippedPicture) {
	o.onLoss(l)
	if l.Size > 0 {
		o.size = l.Size
		o.consecutive++
	}
}

func (o *oversizeTracker) hasTooMany() bool { return o.consecutive >= maxConsecutiveOversize }

// failure is why the source gives no picture, nil if that is not for the size of its pictures.
func (o *oversizeTracker) failure() error {
	if o.consecutive == 0 {
		return nil
	}
	return newFailure(camera.TooLarge, "%s", camera.FrameTooLargeDetail(o.size, int64(o.limit)))
}
