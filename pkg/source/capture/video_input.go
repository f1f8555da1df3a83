package capture

import (
	"context"
	"image"
	"runtime"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// videoInput is the source of H.264 and H.265 that camd sends. OpenCV decodes it from a pipe. Another pipe follows when the format changes, and
// when the frames do not continue those before.
type videoInput struct {
	queue    *inputQueue
	progress inputProgress
	limits   media.Limits      // on the size of a picture
	onOpened func(wire.Opened) // is called when the format has changed
	found    wire.Opened
	stream   *videoPipe
	format   *wire.VideoFormat // of the newest pipe that opened
	newest   inputFrame        // whose picture next returned
	pending  bool              // newest has not been delivered
	broken   int               // how many pictures are left out unless a keyframe comes, because one before them was damaged
	damaged  int               // damaged pictures before the first good one
	isShown  bool              // there was a good picture
}

// newVideoInput opens the first pipe, with the first frame.
func newVideoInput(ctx context.Context, queue *inputQueue, limits media.Limits, first inputFrame, onOpened func(wire.Opened)) (*videoInput, error) {
	v := &videoInput{queue: queue, limits: limits, progress: inputProgress{refuse: queue.refuse}}
	err := v.open(ctx, first)
	if err == nil {
		err = v.grab(ctx)
	}
	if err != nil {
		v.close()
		return nil, err
	}
	v.pending, v.onOpened = true, onOpened
	return v, nil
}

func (v *videoInput) opened() wire.Opened { return v.found }

func (v *videoInput) captured() int64 { return v.newest.captured }

func (v *videoInput) count() uint64 { return v.newest.count }

func (v *videoInput) isHidden() bool { return v.newest.isHidden }

func (v *videoInput) retrieve(m *gocv.Mat) bool { return v.stream.vc.Retrieve(m) }

func (v *videoInput) close() {
	if v.stream != nil {
		v.stream.close()
		v.stream = nil
	}
}

func (v *videoInput) next(ctx context.Context, _ *gocv.Mat) error {
	if v.pending {
		v.pending = false
		return nil
	}
	return v.grab(ctx)
}

// grab decodes up to the next good picture.
func (v *videoInput) grab(ctx context.Context) error {
	runtime.LockOSThread() // for decodedTime and decodedSize
	defer runtime.UnlockOSThread()
	for failed := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !v.stream.grab() {
			// OpenCV also returns nothing for a frame that FFmpeg refuses. At the end of the pipe it does so again and again.
			if failed++; failed > maxFailedGrabs || failed > maxFailedAtEnd && v.stream.hasEnded() {
				if err := v.reopen(ctx); err != nil {
					return err
				}
				failed = 0
			}
			continue
		}
		failed = 0
		if isGood, err := v.accept(); isGood || err != nil {
			return err
		}
	}
}

// maxFailedGrabs is how many grabs in a row may return no picture before the pipe is opened again.
const maxFailedGrabs = 64

// maxFailedAtEnd is how many of them may come when no more is written to the pipe. The pipe and FFmpeg's buffer can still hold three frames.
const maxFailedAtEnd = 4

// maxBroken is how many pictures after a damaged one are left out if no keyframe comes: a camera may refresh its pictures bit by bit.
const maxBroken = 300

// accept finds the frame of the picture that was just grabbed, and reports whether it may be shown.
func (v *videoInput) accept() (bool, error) {
	number, isDamaged := decodedTime()
	f, ok := v.progress.finish(uint64(number))
	if !ok {
		return false, nil
	}
	switch {
	case isDamaged:
		v.broken = maxBroken
	case f.isKey:
		v.broken = 0
	}
	if v.broken > 0 {
		v.broken--
		v.queue.refuse(media.Damaged, 1)
		if isDamaged && !v.isShown {
			v.damaged++
		}
		if v.damaged >= maxFramesInVain {
			return false, newFailure(camera.Damaged, "the first %d pictures of %s are damaged", v.damaged, v.found.Codec)
		}
		return false, nil
	}
	v.newest, v.isShown, v.damaged = f, true, 0
	return true, v.stream.checkSize(decodedSize())
}

// reopen continues with another pipe: the format has changed, or the present pipe cannot go on.
func (v *videoInput) reopen(ctx context.Context) error {
	f, err := v.closePipe(ctx)
	if err != nil {
		return err
	}
	return v.open(ctx, f)
}

// closePipe closes the pipe, and returns the frame with which the next one begins.
func (v *videoInput) closePipe(ctx context.Context) (inputFrame, error) {
	following := v.stream.close()
	v.stream = nil
	if err := v.progress.failure(); err != nil {
		return inputFrame{}, err
	}
	if following != nil {
		return *following, nil
	}
	return v.queue.takeKey(ctx)
}

// open opens a pipe that begins with a frame. If OpenCV cannot open it, open goes on with the following keyframes.
func (v *videoInput) open(ctx context.Context, first inputFrame) (err error) {
	for {
		if first.format == nil {
			return errKindChanged
		}
		if f := first.format; f.Width < 1 || f.Height < 1 || f.Width > v.limits.Pixels/f.Height {
			return newFailure(camera.TooLarge, "the video has %dx%d pixels, more than %d", f.Width, f.Height, v.limits.Pixels)
		}
		if v.stream, err = openVideoPipe(ctx, v.queue, &v.progress, first); err != nil {
			return err
		}
		if v.stream.isOpened {
			break
		}
		if first, err = v.closePipe(ctx); err != nil {
			return err
		}
	}
	f := first.format
	v.broken = 0
	v.found = wire.Opened{Backend: "FFMPEG", Codec: f.Codec, Width: f.Width, Height: f.Height}
	if v.onOpened != nil && !sameDecoder(f, v.format) {
		v.onOpened(v.found)
	}
	v.format = f
	return nil
}

// checkSize returns a failure if a picture has another size than the first of the pipe: see ffmpegSource.checkSize.
func (p *videoPipe) checkSize(size image.Point) error {
	if size == (image.Point{}) {
		return nil
	}
	if p.firstSize == (image.Point{}) {
		p.firstSize = size
	}
	if size != p.firstSize {
		return newFailure(camera.Resized, "the picture size changed from %dx%d to %dx%d without a new format", p.firstSize.X, p.firstSize.Y, size.X, size.Y)
	}
	return nil
}
