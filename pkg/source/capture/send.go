package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// send writes messages to camd until the source or ctx ends. The last message says why.
func (s *session) send(ctx context.Context, c *sourceReader, m *encoder) error {
	defer m.close()
	isLocked := false
	for {
		select {
		case <-ctx.Done():
			return s.sendStopped(ctx)
		case o := <-c.opened:
			if m.passthrough = o.Passthrough; !m.passthrough && !isLocked { // a decoder opens again when the format changes
				isLocked = true
				runtime.LockOSThread() // see sourceReader.read
				defer runtime.UnlockOSThread()
			}
			if err := s.out.Write(o); err != nil {
				return err
			}
		case <-s.frames.wake:
			if err := s.deliver(m); err != nil {
				return s.reportFailure(c, err)
			}
		case f := <-s.videos:
			if err := s.sendVideo(f); err != nil {
				return err
			}
		case <-s.renditionsChanged:
			if err := s.catchUp(m); err != nil {
				return s.reportFailure(c, err)
			}
		case a := <-s.controls.replies:
			if err := s.out.Write(a); err != nil {
				return err
			}
		case end := <-c.ended:
			if ctx.Err() != nil {
				return s.sendStopped(ctx)
			}
			// Send the last picture before the end.
			return s.reportFailure(c, cmp.Or(s.deliver(m), end))
		}
	}
}

// reportFailure sends a *failure to camd as the last message. It returns all other errors.
func (s *session) reportFailure(c *sourceReader, err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return s.out.Write(wire.Ended{Reason: string(f.reason), Detail: sourceurl.NewRedactor(c.src).Redact(f.detail), Unsupported: f.unsupported})
	}
	return err
}

// sendStopped sends the last message, and returns what ended the session unless that was a stop.
func (s *session) sendStopped(ctx context.Context) error {
	err := s.out.Write(wire.Ended{Detail: "stopped"})
	if cause := context.Cause(ctx); !errors.Is(cause, errStopped) && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// deliver sends what the frame slot has: the counts of refused pictures, and then a frame or, without one, a heartbeat.
func (s *session) deliver(m *encoder) error {
	if err := s.reportRefused(); err != nil {
		return err
	}
	p, heartbeat, hasHeartbeat := s.frames.take()
	if p == nil {
		if hasHeartbeat {
			return s.out.Write(heartbeat)
		}
		return nil
	}
	m.setFrame(p)
	if isGood, err := s.checkFrame(m); err != nil || !isGood {
		m.setFrame(nil)
		return err
	}
	return s.sendRenditions(m, p.wanted)
}

func (s *session) reportRefused() error {
	if refused := s.frames.takeRefused(); refused.Pictures != nil {
		return s.out.Write(refused)
	}
	return nil
}

// checkFrame reports whether the encoder's frame may be sent, and tells camd if not.
func (s *session) checkFrame(m *encoder) (isGood bool, err error) {
	if !m.isPassthrough() {
		return true, nil
	}
	jpeg, err := m.original()
	if err != nil {
		return false, err
	}
	cause, detail := s.damageCheck.Refuse(jpeg, true)
	if cause == "" {
		return true, nil
	}
	refused := wire.Refused{Pictures: map[string]uint64{cause: 1}}
	if cause != media.Unchecked {
		refused.Cause, refused.Detail = cause, detail
	}
	if err := s.out.Write(refused); err != nil {
		return false, err
	}
	return false, s.out.Write(wire.Heartbeat{Captured: m.frame.captured, Count: m.frame.count})
}

// catchUp sends the newest frame in the renditions that have become wanted since it was sent.
func (s *session) catchUp(m *encoder) error {
	if m.frame == nil {
		return nil
	}
	return s.sendRenditions(m, s.scheduler.lateRenditions(m.frame.captured, m.frame.count))
}

// sendRenditions sends renditions of the encoder's frame, a bit for each.
func (s *session) sendRenditions(m *encoder, wanted uint32) error {
	for i := range 1 + options.MaxRenditions {
		if wanted&(1<<i) == 0 {
			continue
		}
		if err := s.sendRendition(m, i); err != nil {
			return err
		}
	}
	return nil
}

// sendRendition sends a rendition of the encoder's frame.
func (s *session) sendRendition(m *encoder, rendition int) error {
	jpeg, encode, err := m.encodeRendition(rendition)
	if err != nil {
		return err
	}
	if jpeg == nil && rendition > 0 {
		return nil
	}
	if len(jpeg) == 0 {
		fmt.Fprintln(os.Stderr, "empty picture skipped")
		return nil
	}
	if len(jpeg) > m.limits.Bytes {
		s.frames.countRefused(media.TooLarge, int64(len(jpeg)))
		return s.reportRefused()
	}
	f := wire.Frame{Rendition: uint8(rendition), Captured: m.frame.captured, Count: m.frame.count, Encode: encode}
	return s.out.WriteFrame(f, jpeg)
}

// sendVideo sends a frame of video, and before it the counts of refused frames and a format that has changed.
func (s *session) sendVideo(f videoFrame) error {
	if err := s.reportRefused(); err != nil {
		return err
	}
	if f.format != s.videoFormat {
		s.videoFormat = f.format
		err := s.out.Write(wire.VideoFormat{Codec: string(f.format.Codec), CodecString: f.format.CodecString,
			Width: f.format.Width, Height: f.format.Height, Init: f.init})
		if err != nil {
			return err
		}
	}
	return s.out.WriteVideoFrame(f.header, f.fragment)
}
