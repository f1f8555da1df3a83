package capture

import (
	"bytes"
	"context"
	"image/jpeg"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

// jpegInput is the source of JPEGs that camd sends.
type jpegInput struct {
	found   wire.Opened
	queue   *inputQueue
	newest  inputFrame
	pending bool // newest has not been delivered
}

func newJPEGInput(queue *inputQueue, first inputFrame) *jpegInput {
	j := &jpegInput{queue: queue, newest: first, pending: true, found: wire.Opened{Backend: "FFMPEG", Codec: "mjpeg", Passthrough: true}}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(first.data)); err == nil {
		j.found.Width, j.found.Height = c.Width, c.Height
	}
	return j
}

func (j *jpegInput) opened() wire.Opened { return j.found }

func (j *jpegInput) next(ctx context.Context, _ *gocv.Mat) error {
	if j.pending {
		j.pending = false
		return nil
	}
	var err error
	j.newest, err = j.queue.take(ctx)
	if err == nil && j.newest.format != nil {
		err = errKindChanged
	}
	return err
}

// errKindChanged ends a process whose input changes between JPEG and video. camd starts another one.
var errKindChanged = newFailure(camera.Resized, "the camera changed between JPEG and video")

func (j *jpegInput) captured() int64 { return j.newest.captured }

func (j *jpegInput) count() uint64 { return j.newest.count }

func (j *jpegInput) takeJPEG([]byte) ([]byte, int64) { return j.newest.data, j.newest.captured }

func (j *jpegInput) retrieve(*gocv.Mat) bool { return false }

func (j *jpegInput) close() {}

// openInput waits for the first frame that camd sends, and opens a source for frames of its kind.
func (s *sourceReader) openInput(ctx context.Context) (source, error) {
	s.controls.setTarget(controlTarget{})
	first, err := s.input.queue.take(ctx)
	if err != nil {
		return nil, err
	}
	if first.format == nil {
		s.scheduler.setMainRule(mainNever)
		return newJPEGInput(s.input.queue, first), nil
	}
	s.scheduler.setMainRule(mainOnDemand)
	v, err := newVideoInput(ctx, s.input.queue, s.start.Limits.OrDefault(), first, func(o wire.Opened) { s.reopened(ctx, o) })
	if err != nil {
		return nil, err // v is a nil pointer
	}
	return v, nil
}
