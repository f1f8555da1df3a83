package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"gocv.io/x/gocv"

	condition "camd/pkg/camera"
	"camd/pkg/source/wire"
)

// defaultQuality is the JPEG quality where none is asked for.
const defaultQuality = 80

// send writes to camd until the camera or ctx ends; its last message says why.
func (s *session) send(ctx context.Context, c *camera, quality int) error {
	params := []int{gocv.IMWriteJpegQuality, min(max(cmp.Or(quality, defaultQuality), 1), 100)}
	passthrough := false
	for {
		select {
		case <-ctx.Done():
			return s.stopped(ctx)
		case o := <-c.opened:
			if passthrough = o.Passthrough; !passthrough {
				runtime.LockOSThread() // see camera.read
				defer runtime.UnlockOSThread()
			}
			if err := s.out.Write(o); err != nil {
				return err
			}
		case <-s.pictures.wake:
			if err := s.deliver(passthrough, params); err != nil {
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
			return s.finish(c, cmp.Or(s.deliver(passthrough, params), end))
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

// deliver sends what the exchange holds: a picture, or else the news of pictures that nobody wanted.
func (s *session) deliver(passthrough bool, params []int) error {
	p, beat, fresh := s.pictures.take()
	if p == nil {
		if fresh {
			return s.out.Write(beat)
		}
		return nil
	}
	defer s.pictures.giveBack(p)
	if p.jpeg != nil {
		return s.frame(p, p.jpeg, 0)
	}
	if passthrough {
		jpeg, err := p.mat.DataPtrUint8()
		if err != nil {
			return fail(condition.BadStream, "picture: %v", err)
		}
		return s.frame(p, jpeg, 0)
	}
	began := time.Now()
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, p.mat, params)
	if err != nil {
		buf.Close()
		return fail(condition.BadStream, "encode: %v", err)
	}
	defer buf.Close()
	// The bytes are the buffer's own: written here, and not used after its Close.
	return s.frame(p, buf.GetBytes(), time.Since(began))
}

func (s *session) frame(p *picture, jpeg []byte, encode time.Duration) error {
	if len(jpeg) == 0 || len(jpeg) > wire.MaxFrame {
		fmt.Fprintf(os.Stderr, "picture of %d bytes left out\n", len(jpeg))
		return nil
	}
	return s.out.WriteFrame(wire.Frame{Captured: p.captured, Count: p.count, Encode: encode}, jpeg)
}
