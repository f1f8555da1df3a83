package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/mjpeg"
	"camd/pkg/source/wire"
)

// event is what a worker has to say, as its supervisor sees it: loaded, opened, picture, beat, refused, lost, wire.Controls or ended.
type event any

type (
	loaded  struct{} // the process has loaded OpenCV and is about to open its source
	opened  struct{ camera.Format }
	picture struct {
		rendition int
		frame     broker.Frame
		count     uint64
		encode    time.Duration
	}
	beat    struct{ count uint64 }
	refused struct {
		count uint64
		err   *mjpeg.RefusedError
	}
	lost struct {
		pictures  map[string]uint64 // that the worker left out, by one of mjpeg.Causes
		size      int64             // bytes of the newest one that was too large; 0 if none was
		complaint complaint         // what is wrong with the newest picture, where the worker says so
	}
	ended struct {
		reason camera.Reason
		detail string
	}
)

// receive turns messages into events until the process closes its end or sends nonsense. Pictures are read into their
// final place and checked here, beside the supervisor, which stays free.
func (w *worker) receive(r io.Reader) {
	defer close(w.events)
	in := wire.NewReader(r)
	for {
		e, err := nextEvent(in, &w.renditions, w.limits)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.tell(w.stderr.secrets.hideIn(ended{camera.WorkerCrashed, err.Error()}))
			}
			_, _ = io.Copy(io.Discard, r) // or the process could block on its last write and never end
			return
		}
		w.tell(w.stderr.secrets.hideIn(e))
	}
}

// tell hands an event to the supervisor, or drops it once nobody listens.
func (w *worker) tell(e event) {
	select {
	case w.events <- e:
	case <-w.quit:
	}
}

// nextEvent waits for a message. renditions is how many the worker has been told of by then.
func nextEvent(in *wire.Reader, renditions *atomic.Int32, limits mjpeg.Limits) (event, error) {
	m, err := in.Next()
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case wire.Hello: // its program begins when all libraries are loaded
		return loaded{}, nil
	case wire.Opened:
		return opened{camera.Format{
			Backend: m.Backend, Codec: m.Codec, Width: m.Width, Height: m.Height, FPS: m.FPS, Passthrough: m.Passthrough,
			Note: m.Note,
		}}, nil
	case wire.Frame:
		if int32(m.Rendition) >= renditions.Load() {
			return nil, fmt.Errorf("wire: a picture of rendition %d", m.Rendition)
		}
		return readPicture(in, m, limits)
	case wire.Beat:
		return beat{m.Count}, nil
	case wire.Refused:
		return readLost(m)
	case wire.Controls:
		return m, nil
	case wire.Ended:
		return ended{camera.Reason(m.Reason), m.Detail}, nil
	}
	return nil, fmt.Errorf("wire: %T from a worker", m)
}

func readLost(m wire.Refused) (event, error) {
	for cause := range m.Pictures {
		if !slices.Contains(mjpeg.Causes, cause) {
			return nil, fmt.Errorf("wire: pictures refused for %q", cause)
		}
	}
	e := lost{pictures: m.Pictures, size: m.Size}
	if m.Cause != "" {
		if !slices.Contains(mjpeg.Causes, m.Cause) {
			return nil, fmt.Errorf("wire: a picture refused for %q", m.Cause)
		}
		e.complaint = complaint{reasonFor(m.Cause), m.Detail}
	}
	return e, nil
}

func readPicture(in *wire.Reader, m wire.Frame, limits mjpeg.Limits) (event, error) {
	if m.Size > limits.Bytes { // before any memory is taken for it
		if err := in.Skip(); err != nil {
			return nil, err
		}
		return lost{pictures: map[string]uint64{mjpeg.TooLarge: 1}, size: int64(m.Size)}, nil
	}
	captured := wallTime(m.Captured)
	part, jpeg := mjpeg.Layout(m.Size, captured)
	if err := in.Picture(jpeg); err != nil {
		return nil, err
	}
	p, err := mjpeg.Normalize(jpeg, limits)
	if err != nil {
		var r *mjpeg.RefusedError
		errors.As(err, &r)
		return refused{m.Count, r}, nil
	}
	if len(p.JPEG) != len(jpeg) { // padding cut or tables put in: lay it out anew
		part, p.JPEG = mjpeg.NewPart(p.JPEG, captured)
	}
	return picture{
		rendition: int(m.Rendition),

		frame:  broker.Frame{Captured: captured, Width: p.Width, Height: p.Height, Part: part, JPEG: p.JPEG},
		count:  m.Count,
		encode: m.Encode,
	}, nil
}

// wallTime turns a reading of CLOCK_MONOTONIC into a time.Time that carries Go's own monotonic reading, so that
// subtraction is exact whatever happens to the wall clock.
func wallTime(monotonic int64) time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now()
	}
	age := time.Duration(ts.Nano() - monotonic)
	// A worker cannot see the future, and nothing stays in a pipe for an hour.
	return time.Now().Add(-min(max(age, 0), time.Hour))
}
