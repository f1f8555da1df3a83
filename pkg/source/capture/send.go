package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"camd/pkg/mjpeg"
	"camd/pkg/source/wire"
)

// send writes to camd until the camera or ctx ends; its last message says why.
func (s *session) send(ctx context.Context, c *camera, m *maker) error {
	defer m.close()
	for {
		select {
		case <-ctx.Done():
			return s.stopped(ctx)
		case o := <-c.opened:
			if m.passthrough = o.Passthrough; !m.passthrough {
				runtime.LockOSThread() // see camera.read
				defer runtime.UnlockOSThread()
			}
			if err := s.out.Write(o); err != nil {
				return err
			}
		case <-s.pictures.wake:
			if err := s.deliver(m); err != nil {
				return s.finish(c, err)
			}
		case <-s.turned:
			if err := s.catchUp(m); err != nil {
				return s.finish(c, err)
			}
		case a := <-s.panel.answers:
			if err := s.out.Write(a); err != nil {
				return err
			}
		case end := <-c.ended:
			if ctx.Err() != nil {
				return s.stopped(ctx)
			}
			// The picture before the end is a picture too.
			return s.finish(c, cmp.Or(s.deliver(m), end))
		}
	}
}

// finish reports a failure of the source to camd. Other errors are not camd's to hear.
func (s *session) finish(c *camera, err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return s.out.Write(wire.Ended{Reason: string(f.reason), Detail: c.scrub(f.detail)})
	}
	return err
}

// stopped says goodbye. What ended the session is an error unless somebody wanted it.
func (s *session) stopped(ctx context.Context) error {
	err := s.out.Write(wire.Ended{Detail: "stopped"})
	if cause := context.Cause(ctx); !errors.Is(cause, errStopped) && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// deliver sends what the exchange holds: the news of pictures that were left out, and a picture, or else the news of pictures
// that nobody wanted.
func (s *session) deliver(m *maker) error {
	if err := s.reportLosses(); err != nil {
		return err
	}
	p, beat, fresh := s.pictures.take()
	if p == nil {
		if fresh {
			return s.out.Write(beat)
		}
		return nil
	}
	m.begin(p)
	if fit, err := s.screen(m); err != nil || !fit {
		m.begin(nil)
		return err
	}
	return s.makeAll(m, p.wanted)
}

func (s *session) reportLosses() error {
	if lost := s.pictures.losses(); lost.Pictures != nil {
		return s.out.Write(lost)
	}
	return nil
}

// screen reports whether the maker's picture may be sent, and tells camd if not.
func (s *session) screen(m *maker) (fit bool, err error) {
	if !m.passesThrough() {
		return true, nil
	}
	jpeg, err := m.original()
	if err != nil {
		return false, err
	}
	cause, detail := s.damage.check(jpeg)
	if cause == "" {
		return true, nil
	}
	left := wire.Refused{Pictures: map[string]uint64{cause: 1}}
	if cause != mjpeg.Unchecked {
		left.Cause, left.Detail = cause, detail
	}
	if err := s.out.Write(left); err != nil {
		return false, err
	}
	return false, s.out.Write(wire.Beat{Captured: m.picture.captured, Count: m.picture.count})
}

// catchUp makes of the newest picture what has become wanted since.
func (s *session) catchUp(m *maker) error {
	if m.picture == nil {
		return nil
	}
	return s.makeAll(m, s.due.belated(m.picture.captured, m.picture.count))
}

// makeAll sends renditions of the maker's picture, a bit for each.
func (s *session) makeAll(m *maker, wanted uint32) error {
	for i := range 1 + wire.MaxRenditions {
		if wanted&(1<<i) == 0 {
			continue
		}
		if err := s.make(m, i); err != nil {
			return err
		}
	}
	return nil
}

// make sends a rendition of the maker's picture.
func (s *session) make(m *maker, rendition int) error {
	jpeg, encode, err := m.jpeg(rendition)
	if err != nil {
		return err
	}
	if jpeg == nil && rendition > 0 {
		return nil
	}
	if len(jpeg) == 0 {
		fmt.Fprintln(os.Stderr, "empty picture left out")
		return nil
	}
	if len(jpeg) > m.limits.Bytes {
		s.pictures.lose(mjpeg.TooLarge, int64(len(jpeg)))
		return s.reportLosses()
	}
	f := wire.Frame{Rendition: uint8(rendition), Captured: m.picture.captured, Count: m.picture.count, Encode: encode}
	return s.out.WriteFrame(f, jpeg)
}
