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

	"camd/pkg/source/wire"
)

// Run obeys the commands that arrive on in and answers on out, until the source ends, ctx is cancelled, or camd says
// stop or is gone. A source that fails is no error: it is reported to camd in the last message. Errors are for a peer
// that does not speak the protocol.
//
// confine is called with what is to be opened before it is, and may be nil. The goroutine that reads in lives until in ends.
func Run(ctx context.Context, in io.Reader, out io.Writer, confine func(wire.Start) error) error {
	s := session{speed: 1, confine: confine}
	return s.run(ctx, in, out)
}

// errStopped is the cause of a session's end that camd asked for.
var errStopped = errors.New("stopped")

// patience is how long Run waits, after its last message, for a camera goroutine that may be blocked inside OpenCV.
const patience = 300 * time.Millisecond

// session is one Run.
type session struct {
	speed    float64 // how much faster than its own rate a file is played
	confine  func(wire.Start) error
	due      *due
	turned   chan struct{} // has one token after camd asked for a rendition or changed them
	pictures *exchange
	damage   damageCheck
	panel    *panel
	out      *wire.Writer
}

func (s *session) run(ctx context.Context, in io.Reader, out io.Writer) error {
	commands := wire.NewReader(in)
	s.out = wire.NewWriter(out)
	if err := s.out.Write(wire.Hello{Version: wire.Version}); err != nil {
		return gone(err)
	}
	start, err := greet(commands)
	if err != nil {
		return gone(err)
	}
	if s.confine != nil {
		if err := s.confine(start); err != nil {
			fmt.Fprintln(os.Stderr, "not confined:", err) // worse, and no reason to show no picture
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.due, s.turned = newDue(wire.Renditions{Quality: start.Quality, List: start.Renditions}), make(chan struct{}, 1)
	s.panel = newPanel()
	go s.panel.run(ctx)
	go func() { cancel(s.obey(commands)) }()

	// One picture is encoded by one thread whatever is set here; more than that, OpenCV's pool only costs memory.
	gocv.SetNumThreads(0)
	s.pictures, s.damage.limits = newExchange(), limitsOf(start)
	c := camera{session: s, start: start, opened: make(chan wire.Opened), ended: make(chan error, 1), closed: make(chan struct{})}
	release := make(chan struct{})
	go c.run(ctx, release)
	err = s.send(ctx, &c, newMaker(s.due, limitsOf(start)))
	close(release)
	cancel(nil)
	c.await()
	return gone(err)
}

// greet reads camd's first two messages.
func greet(commands *wire.Reader) (wire.Start, error) {
	m, err := commands.Next()
	if err != nil {
		return wire.Start{}, err
	}
	if _, ok := m.(wire.Hello); !ok {
		return wire.Start{}, fmt.Errorf("%T instead of hello", m)
	}
	if m, err = commands.Next(); err != nil {
		return wire.Start{}, err
	}
	start, ok := m.(wire.Start)
	if !ok {
		return wire.Start{}, fmt.Errorf("%T instead of start", m)
	}
	return start, nil
}

// obey follows commands until the end and returns why it came.
func (s *session) obey(commands *wire.Reader) error {
	for {
		m, err := commands.Next()
		if errors.Is(err, io.EOF) {
			return errStopped
		}
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case wire.Demand:
			s.due.turn(m.Rendition, m.Wanted)
			s.catchUpSoon()
		case wire.Renditions:
			s.due.change(m)
			s.catchUpSoon()
		case wire.Adjust:
			s.panel.ask(m)
		case wire.Stop:
			return errStopped
		default:
			return fmt.Errorf("%T after start", m)
		}
	}
}

// catchUpSoon has the sender look whether the newest picture is wanted otherwise now.
func (s *session) catchUpSoon() {
	select {
	case s.turned <- struct{}{}:
	default:
	}
}

// gone makes nothing of errors that only say that camd is gone.
func gone(err error) error {
	for _, quiet := range []error{io.EOF, io.ErrClosedPipe, syscall.EPIPE, os.ErrClosed} {
		if err != nil && errors.Is(err, quiet) {
			return nil
		}
	}
	return err
}
