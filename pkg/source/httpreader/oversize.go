package httpreader

import (
	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/serverrules"
)

// maxConsecutiveOversize is how many pictures in a row may be too large before the source is closed. Reading on would cost much and show
// nothing. camd opens the source again later.
const maxConsecutiveOversize = 30

// oversizeTracker follows the pictures of a source that have more bytes than the limit.
type oversizeTracker struct {
	limit       int
	onSkip      func(httpmjpeg.SkippedPicture) // called for every picture that was left out
	size        int64                          // of the newest picture that was too large
	consecutive int                            // how many were too large since the last good picture
}

// record records a picture that was left out.
func (o *oversizeTracker) record(skipped httpmjpeg.SkippedPicture) {
	o.onSkip(skipped)
	if skipped.Size > 0 {
		o.size = skipped.Size
		o.consecutive++
	}
}

func (o *oversizeTracker) hasTooMany() bool { return o.consecutive >= maxConsecutiveOversize }

// failure returns the failure of a source whose pictures are too large, or nil if they are not.
func (o *oversizeTracker) failure() error {
	if o.consecutive == 0 {
		return nil
	}
	return serverrules.NewError(camera.TooLarge, "%s", camera.FrameTooLargeDetail(o.size, int64(o.limit)))
}
