package capture

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// speedVariable is the environment variable that makes the test program run as camd-capture. Its value is the speed.
const speedVariable = "CAPTURE_SPEED"

func TestMain(m *testing.M) {
	if v := os.Getenv(speedVariable); v != "" {
		os.Exit(runCaptureProcess(v))
	}
	goleak.VerifyTestMain(m, testpeer.FaultProxyLeaks()...)
}

// runCaptureProcess does what camd-capture's main does.
func runCaptureProcess(v string) int {
	out, err := TakeStdout()
	if err != nil {
		return 3
	}
	fmt.Println("this must not end up among the messages")
	speed, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return 2
	}
	s := session{speed: speed}
	if err := s.run(context.Background(), os.Stdin, out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// message is a wire message of a capture. A Frame has its picture, and a VideoFrame its fragment.
type message struct {
	wire.Message
	picture []byte
}

// testDaemon is camd's side of a capture that runs in the process of the test.
type testDaemon struct {
	t        testing.TB
	commands *wire.Writer
	pipe     *os.File // of the commands
	messages chan message
	done     chan error // what run returned
}

// startCapture starts a capture.
func startCapture(t testing.TB, start wire.Start) *testDaemon {
	t.Helper()
	return startCaptureAtSpeed(t, start, 1)
}

func startCaptureAtSpeed(t testing.TB, start wire.Start, speed float64) *testDaemon {
	t.Helper()
	in, commands := pipe(t)
	messages, out := pipe(t)
	d := &testDaemon{t: t, commands: wire.NewWriter(commands), pipe: commands, messages: make(chan message, 16), done: make(chan error, 1)}
	quit := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		s := session{speed: speed}
		d.done <- s.run(context.Background(), in, out)
		out.Close()
	})
	ended.Go(func() { receive(wire.NewReader(messages), d.messages, quit) })
	t.Cleanup(func() {
		commands.Close()
		close(quit)
		ended.Wait()
		in.Close()
		messages.Close()
	})
	d.send(wire.Hello{Version: wire.Version})
	d.send(start)
	return d
}

// receive passes on all messages until the end. Then it discards what arrives, so that the sender does not block.
func receive(r *wire.Reader, to chan<- message, quit <-chan struct{}) {
	defer close(to)
	for {
		m, err := r.Next()
		if err != nil {
			return
		}
		msg := message{Message: m}
		size := 0
		switch f := m.(type) {
		case wire.Frame:
			size = f.Size
		case wire.VideoFrame:
			size = f.Size
		}
		if size > 0 {
			msg.picture = make([]byte, size)
			if r.ReadPicture(msg.picture) != nil {
				return
			}
		}
		select {
		case to <- msg:
		case <-quit:
		}
	}
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (t *testDaemon) send(m wire.Message) {
	t.t.Helper()
	if err := t.commands.Write(m); err != nil {
		t.t.Fatalf("send %T: %v", m, err)
	}
}

// next returns the next message, or a nil one after the last.
func (t *testDaemon) next() message {
	t.t.Helper()
	select {
	case m := <-t.messages:
		return m
	case <-time.After(testrun.Deadline):
		t.t.Fatal("no message")
		return message{}
	}
}

// awaitMessage returns the next message of a type, with its picture. It skips frames and heartbeats.
func awaitMessage[M wire.Message](d *testDaemon) (M, []byte) {
	d.t.Helper()
	for {
		msg := d.next()
		if m, ok := msg.Message.(M); ok {
			return m, msg.picture
		}
		switch m := msg.Message.(type) {
		case wire.Frame, wire.VideoFormat, wire.VideoFrame, wire.Heartbeat, wire.Hello, wire.Opened, wire.Refused:
		default:
			d.t.Fatalf("got %T %+v, want %T", m, m, *new(M))
		}
	}
}

// frame returns the next frame and its picture, which must be a complete JPEG.
func (t *testDaemon) frame() (wire.Frame, media.Picture) {
	t.t.Helper()
	f, b := awaitMessage[wire.Frame](t)
	p, err := media.Normalize(b, media.Limits{})
	if err != nil {
		t.t.Fatalf("picture %d: %v", f.Count, err)
	}
	return f, p
}

// waitEnd waits for the capture's end.
func (t *testDaemon) waitEnd() error {
	t.t.Helper()
	for {
		select {
		case err := <-t.done:
			return err
		case <-t.messages:
		case <-time.After(testrun.Deadline):
			t.t.Fatal("the capture does not end")
		}
	}
}
