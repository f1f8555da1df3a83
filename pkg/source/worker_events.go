package source

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"camd/internal/rawcall"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// event is a message of a worker, checked and decoded for the supervisor. It is a loadedEvent, openedEvent, frameEvent,
// videoEvent, heartbeatEvent, refusedEvent, workerRefusedEvent, wire.Controls or endedEvent.
type event any

type (
	loadedEvent struct{} // the process has loaded OpenCV and is about to open its source
	openedEvent struct{ camera.Format }
	frameEvent  struct { // count is that of wire.Frame, here and below
		rendition int
		frame     broker.Frame
		count     uint64
		encode    time.Duration
	}
	videoEvent struct { // a frame of H.264 or H.265
		frame broker.Frame
		count uint64
	}
	heartbeatEvent struct{ count uint64 }
	refusedEvent   struct { // camd has refused a picture that the worker sent
		count uint64
		err   *media.RefusedError
	}
	workerRefusedEvent struct {
		counts map[string]uint64 // of pictures that the worker left out, by cause (one of media.Causes)
		size   int64             // bytes of the newest picture that was too large; 0 if none was
		fault  fault             // what is wrong with the newest picture, if the worker found damage in it
	}
	endedEvent struct {
		reason      camera.Reason
		detail      string
		unsupported bool // OpenCV may be able to read the source
	}
)

// receive turns messages into events until the process closes its end or breaks the protocol. It has a goroutine of its own, so reading
// and checking pictures does not block the supervisor.
func (w *worker) receive(r io.Reader) {
	defer close(w.events)
	in := wire.NewReader(r)
	var builders frameBuilders
	video := videoDecoder{limits: w.limits}
	for {
		e, err := nextEvent(in, &w.renditionCount, &builders, &video, w.limits)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.emit(redactEvent(w.redactor, endedEvent{reason: camera.WorkerCrashed, detail: err.Error()}))
			}
			_, _ = io.Copy(io.Discard, r) // else the process could block on its last write and never end
			return
		}
		if e != nil {
			w.emit(redactEvent(w.redactor, e))
		}
	}
}

// emit passes an event to the supervisor, or drops it after stop.
func (w *worker) emit(e event) {
	select {
	case w.events <- e:
	case <-w.quit:
	}
}

// frameBuilders build the frames of a worker, by number of rendition.
type frameBuilders [math.MaxUint8 + 1]media.JPEGFrames

// nextEvent waits for a message and returns it as an event, nil for a message that has none. renditionCount is how many renditions the worker may know. The error is
// io.EOF at the end, or says how the message breaks the protocol.
func nextEvent(in *wire.Reader, renditionCount *atomic.Int32, builders *frameBuilders, video *videoDecoder, limits media.Limits) (event, error) {
	m, err := in.Next()
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case wire.Hello: // the program sends it when all libraries are loaded
		return loadedEvent{}, nil
	case wire.Opened:
		return openedEvent{camera.Format{
			Backend: m.Backend, Codec: m.Codec, Width: m.Width, Height: m.Height, FPS: m.FPS, Passthrough: m.Passthrough,
			Note: m.Note,
		}}, nil
	case wire.Frame:
		if int32(m.Rendition) >= renditionCount.Load() {
			return nil, fmt.Errorf("wire: a picture of rendition %d", m.Rendition)
		}
		return readFrame(in, m, &builders[m.Rendition], limits)
	case wire.VideoFormat:
		return nil, video.setFormat(m)
	case wire.VideoFrame:
		return video.read(in, m)
	case wire.Heartbeat:
		return heartbeatEvent{m.Count}, nil
	case wire.Refused:
		return newWorkerRefusedEvent(m)
	case wire.Controls:
		return m, nil
	case wire.Ended:
		return endedEvent{camera.Reason(m.Reason), m.Detail, m.Unsupported}, nil
	}
	return nil, fmt.Errorf("wire: %T from a worker", m)
}

func newWorkerRefusedEvent(m wire.Refused) (event, error) {
	for cause := range m.Pictures {
		if !slices.Contains(media.Causes, cause) {
			return nil, fmt.Errorf("wire: pictures refused for %q", cause)
		}
	}
	e := workerRefusedEvent{counts: m.Pictures, size: m.Size}
	if m.Cause != "" {
		if !slices.Contains(media.Causes, m.Cause) {
			return nil, fmt.Errorf("wire: a picture refused for %q", m.Cause)
		}
		e.fault = fault{causeReason(m.Cause), m.Detail}
	}
	return e, nil
}

// readFrame reads the picture of m into the part that viewers will share, and checks it.
func readFrame(in *wire.Reader, m wire.Frame, builder *media.JPEGFrames, limits media.Limits) (event, error) {
	if m.Size > limits.Bytes { // before memory is allocated for it
		if err := in.SkipPicture(); err != nil {
			return nil, err
		}
		return workerRefusedEvent{counts: map[string]uint64{media.TooLarge: 1}, size: int64(m.Size)}, nil
	}
	captured := fromMonotonic(m.Captured)
	part, jpeg := media.AllocatePart(m.Size, captured)
	if err := in.ReadPicture(jpeg); err != nil {
		return nil, err
	}
	part, p, err := media.NormalizePart(part, jpeg, captured, limits)
	if err != nil {
		var r *media.RefusedError
		errors.As(err, &r)
		return refusedEvent{m.Count, r}, nil
	}
	return frameEvent{
		rendition: int(m.Rendition),
		frame:     builder.Frame(part, p, captured),
		count:     m.Count,
		encode:    m.Encode,
	}, nil
}

// fromMonotonic converts a reading of CLOCK_MONOTONIC into a time.Time with a monotonic reading, so that a change of the wall clock
// does not affect durations.
func fromMonotonic(monotonic int64) time.Time {
	age := time.Duration(rawcall.MonotonicNow() - monotonic)
	// Bounded against a worker that sends wrong times: no picture is from the future or older than an hour.
	return time.Now().Add(-min(max(age, 0), time.Hour))
}
