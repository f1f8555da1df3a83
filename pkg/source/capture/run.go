package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/media/h26x"
	"camd/pkg/source/damagecheck"
	"camd/pkg/source/wire"
)

// Run reads commands from in and writes messages to out. It returns when the source ends, ctx ends, camd sends Stop, or camd
// closes its end. If the source fails, Run reports that to camd in the last message and returns nil. It returns an error if the
// other side breaks the protocol.
//
// Run calls confine before it opens the source; confine may be nil. If confine fails, Run prints the error to standard error and
// continues. The goroutine that reads in ends only when in ends.
func Run(ctx context.Context, in io.Reader, out io.Writer, confine func(wire.Start) error) error {
	s := session{speed: 1, confine: confine}
	return s.run(ctx, in, out)
}

// errStopped is the cause that ends the context when camd has sent Stop or closed its end.
var errStopped = errors.New("stopped")

// closeTimeout is how long Run waits, after its last message, for a reader goroutine that may be blocked inside OpenCV.
const closeTimeout = 300 * time.Millisecond

// session is the state of one Run.
type session struct {
	speed             float64 // how much faster than its own rate a file is played
	confine           func(wire.Start) error
	scheduler         *scheduler
	renditionsChanged chan struct{} // has one token after camd asked for a rendition or changed them
	frames            *frameSlot
	videos            chan videoFrame // from the reader to the sender
	videoFormat       *h26x.Format    // the newest that was sent
	damageCheck       *damagecheck.Check
	controls          *controlWorker
	input             *inputReader // nil unless camd sends the frames
	out               *wire.Writer
}

func (s *session) run(ctx context.Context, in io.Reader, out io.Writer) error {
	commands := wire.NewReader(in)
	s.out = wire.NewWriter(out)
	if err := s.out.Write(wire.Hello{Version: wire.Version}); err != nil {
		return ignoreClosed(err)
	}
	start, err := handshake(commands)
	if err != nil {
		return ignoreClosed(err)
	}
	if s.confine != nil {
		if err := s.confine(start); err != nil {
			fmt.Fprintln(os.Stderr, "not confined:", err) // less secure, but the camera works
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.scheduler, s.renditionsChanged = newScheduler(wire.Renditions{Quality: start.Quality, List: start.Renditions}), make(chan struct{}, 1)
	s.controls = newControlWorker()
	limits := start.Limits.OrDefault()
	s.frames, s.videos, s.damageCheck = newFrameSlot(), make(chan videoFrame), damagecheck.New(limits)
	if start.Decode {
		s.input = &inputReader{queue: newInputQueue(s.frames.countRefusedFrames), maxBytes: limits.Bytes, countLoss: s.frames.countRefused}
	}
	go s.controls.run(ctx)
	go func() { cancel(s.handleCommands(commands)) }()

	// OpenCV encodes a picture with one thread whatever is set here. A larger pool of threads only costs memory.
	gocv.SetNumThreads(0)
	c := sourceReader{session: s, start: start, opened: make(chan wire.Opened), ended: make(chan error, 1), closed: make(chan struct{})}
	release := make(chan struct{})
	go c.run(ctx, release)
	err = s.send(ctx, &c, newEncoder(s.scheduler, start.Limits.OrDefault()))
	close(release)
	cancel(nil)
	c.waitClosed()
	return ignoreClosed(err)
}

// handshake reads camd's first two messages.
func handshake(commands *wire.Reader) (wire.Start, error) {
	m, err := commands.Next()
	if err != nil {
		return wire.Start{}, err
	}
	if _, ok := m.(wire.Hello); !ok {
		return wire.Start{}, fmt.Errorf("the first message must be hello, is %T", m)
	}
	if m, err = commands.Next(); err != nil {
		return wire.Start{}, err
	}
	start, ok := m.(wire.Start)
	if !ok {
		return wire.Start{}, fmt.Errorf("the second message must be start, is %T", m)
	}
	return start, nil
}

// handleCommands handles commands until the last one, and returns why there are no more.
func (s *session) handleCommands(commands *wire.Reader) error {
	for {
		m, err := commands.Next()
		if errors.Is(err, io.EOF) {
			return errStopped
		}
		if err != nil {
			return err
		}
		if s.input != nil {
			if isFrame, err := s.input.handle(commands, m); isFrame {
				if err != nil {
					return err
				}
				continue
			}
		}
		switch m := m.(type) {
		case wire.Demand:
			s.scheduler.setDemand(m)
			s.requestCatchUp()
		case wire.Renditions:
			s.scheduler.setRenditions(m)
			s.requestCatchUp()
		case wire.SetControls:
			s.controls.enqueue(m)
		case wire.Stop:
			return errStopped
		default:
			return fmt.Errorf("unexpected message %T after start", m)
		}
	}
}

// requestCatchUp makes the sender check whether the newest picture is now wanted in other renditions.
func (s *session) requestCatchUp() {
	select {
	case s.renditionsChanged <- struct{}{}:
	default:
	}
}

// ignoreClosed returns nil for errors that only say that camd has closed its end.
func ignoreClosed(err error) error {
	for _, ignored := range []error{io.EOF, io.ErrClosedPipe, syscall.EPIPE, os.ErrClosed} {
		if err != nil && errors.Is(err, ignored) {
			return nil
		}
	}
	return err
}
