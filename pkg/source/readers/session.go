package readers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"camd/internal/rawcall"
	"camd/pkg/camera"
	"camd/pkg/source/handover"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

const (
	handshakeTimeout = time.Minute            // for camd's first two messages
	endTimeout       = 500 * time.Millisecond // for the last messages, after camd's request to stop
	maxCABytes       = 1 << 20                // of a CA file: the system's has about 230 KB
)

// session reads one camera.
type session struct {
	camera      handover.Camera
	beforeFrame func(cameraID, source string, count uint64) // may be nil
	queue       *queue
	pictures    *pictures
}

func newSession(c handover.Camera, beforeFrame func(string, string, uint64)) *session {
	return &session{camera: c, beforeFrame: beforeFrame}
}

// run reads the camera until it ends, or camd sends Stop or closes its end. It closes the pipes.
func (s *session) run(ctx context.Context) {
	defer s.camera.Close()
	commands, messages := wire.NewReader(s.camera.Commands), newWriter(s.camera.Messages)
	if messages.Write(wire.Hello{Version: wire.Version}) != nil {
		return
	}
	_ = s.camera.Commands.SetReadDeadline(time.Now().Add(handshakeTimeout))
	start, err := handshake(commands)
	if err != nil {
		return
	}
	_ = s.camera.Commands.SetReadDeadline(time.Time{})
	s.queue = newQueue(start.Limits.OrDefault())
	s.pictures = newPictures(s.queue)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopped, sent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.handleCommands(commands)
		cancel(nil)
	}()
	go func() {
		defer close(sent)
		if err := s.queue.send(messages); err != nil {
			cancel(err)
		}
	}()
	stop := context.AfterFunc(ctx, func() {
		s.queue.discard()
		_ = s.camera.Messages.SetWriteDeadline(time.Now().Add(endTimeout))
	})
	defer stop()
	s.queue.end(s.read(ctx, cancel, start))
	<-sent
	_ = s.camera.Commands.Close()
	<-stopped
}

// read reads the source until it ends or ctx does, and returns the last message. cancel ends ctx with the reason, an *endedError.
func (s *session) read(ctx context.Context, cancel context.CancelCauseFunc, start wire.Start) wire.Ended {
	source, err := sourceurl.Parse(start.Source)
	if err != nil {
		return wire.Ended{Reason: string(camera.BadStream), Detail: err.Error()}
	}
	source.User, source.Password = start.User, start.Password
	if start.TLS, err = s.loadCA(start.TLS); err != nil {
		return wire.Ended{Reason: string(camera.Certificate), Detail: err.Error()}
	}
	s.queue.fail = func(e wire.Ended) { cancel(&endedError{e}) }
	var ended wire.Ended
	switch source.Kind {
	case sourceurl.RTSP:
		ended = s.readRTSP(ctx, source, start)
	case sourceurl.HTTP, sourceurl.Poll:
		ended = s.readHTTP(ctx, source, start)
	default:
		ended = wire.Ended{Reason: string(camera.BadStream), Detail: fmt.Sprintf("the readers process does not read sources of kind %s", source.Kind), Unsupported: true}
	}
	if failed, ok := errors.AsType[*endedError](context.Cause(ctx)); ok {
		return failed.Ended
	}
	return ended
}

// endedError ends a session with a message.
type endedError struct{ wire.Ended }

func (e *endedError) Error() string { return e.Detail }

// loadCA returns the options with the content of the CA file, which camd has opened.
func (s *session) loadCA(o tlsverify.Options) (tlsverify.Options, error) {
	if o.CAFile == "" {
		return o, nil
	}
	if s.camera.CA == nil {
		return o, fmt.Errorf("read ca_file: %s", s.camera.CAError)
	}
	pem, err := io.ReadAll(io.NewSectionReader(s.camera.CA, 0, maxCABytes+1))
	if err == nil && len(pem) > maxCABytes {
		err = fmt.Errorf("%s is larger than %d KiB", o.CAFile, maxCABytes>>10)
	}
	if err != nil {
		return o, fmt.Errorf("read ca_file: %w", err)
	}
	o.CAPEM = string(pem)
	return o, nil
}

// newWriter returns the writer of messages to a pipe.
func newWriter(pipe *os.File) *wire.Writer {
	if w, ok := rawcall.NewWriter(pipe); ok {
		return wire.NewWriter(w)
	}
	return wire.NewWriter(pipe)
}

// handshake reads camd's first two messages.
func handshake(commands *wire.Reader) (wire.Start, error) {
	for _, want := range []string{"hello", "start"} {
		m, err := commands.Next()
		if err != nil {
			return wire.Start{}, err
		}
		_, isHello := m.(wire.Hello)
		start, isStart := m.(wire.Start)
		switch {
		case want == "hello" && isHello:
		case want == "start" && isStart:
			return start, nil
		default:
			return wire.Start{}, fmt.Errorf("message %T instead of %s", m, want)
		}
	}
	return wire.Start{}, io.ErrUnexpectedEOF
}

// handleCommands returns when camd sends Stop, closes its end or breaks the protocol. A session makes no renditions and has no controls, so
// it ignores all other messages but the demand for pictures.
func (s *session) handleCommands(commands *wire.Reader) {
	for {
		switch m, err := commands.Next(); command := m.(type) {
		case wire.Demand:
			if command.Rendition == 0 {
				s.pictures.wanted.Store(command.Wanted)
			}
		case wire.Renditions, wire.SetControls:
		default:
			if err == nil {
				if _, isStop := m.(wire.Stop); !isStop {
					fmt.Fprintf(os.Stderr, "unexpected message %T after start\n", m)
				}
			}
			return
		}
	}
}

// toMonotonic returns the reading of CLOCK_MONOTONIC at a time with a monotonic reading, less age.
func toMonotonic(at time.Time, age time.Duration) int64 {
	return rawcall.MonotonicNow() - int64(time.Since(at)) - int64(age)
}
