package readers

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testrun"
	"camd/pkg/source/handover"
	"camd/pkg/source/wire"
)

// sockets returns two connected sockets.
func sockets(t *testing.T) (ends [2]*net.UnixConn) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, fd := range pair {
		f := os.NewFile(uintptr(fd), "socket")
		conn, err := net.FileConn(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		ends[i] = conn.(*net.UnixConn)
	}
	return ends
}

// openDescriptors returns how many descriptors this process has.
func openDescriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Messages that are no cameras keep no descriptor open, and do not stop the cameras that come later.
func TestRunIgnoresInvalidMessages(t *testing.T) {
	ends := sockets(t)
	done := make(chan error, 1)
	go func() { done <- Run(context.Background(), Options{Socket: ends[1]}) }()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	before := openDescriptors(t)
	rights := func(files ...int) []byte { return unix.UnixRights(files...) }
	in, out := int(r.Fd()), int(w.Fd())
	for _, one := range []struct{ data, control []byte }{
		{[]byte(`{"id":"cam"}`), nil},
		{[]byte(`{"id":"cam"}`), rights(in)},
		{[]byte(`{"id":"cam"}`), rights(out, in)},
		{[]byte(`{"id":"cam"}`), rights(in, out, in)},
		{[]byte(`{"id":"cam"}`), rights(in, out, in, in, in, in, in, in)},
		{[]byte(`{"id":""}`), rights(in, out)},
		{[]byte("no JSON"), rights(in, out)},
		{make([]byte, 100_000), rights(in, out)},
		{[]byte(`{"id":"cam"}`), rights(int(must(os.Open("/dev/null")).Fd()), out)},
	} {
		if _, _, err := ends[0].WriteMsgUnix(one.data, one.control, nil); err != nil {
			t.Fatal(err)
		}
	}
	commands, messages := pipe(t), pipe(t)
	if err := handover.Send(ends[0], handover.Camera{ID: "cam", Commands: commands.r, Messages: messages.w}); err != nil {
		t.Fatal(err)
	}
	commands.r.Close()
	messages.w.Close()
	to, from := wire.NewWriter(commands.w), wire.NewReader(messages.r)
	for _, m := range []wire.Message{wire.Hello{Version: wire.Version}, wire.Start{Source: "test://"}} {
		if err := to.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []wire.Message{wire.Hello{Version: wire.Version}, wire.Ended{Reason: "bad_stream", Detail: "the readers process does not read sources of kind test", Unsupported: true}} {
		if m, err := from.Next(); err != nil || m != want {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
	commands.w.Close()
	messages.r.Close()
	testrun.WaitFor(t, "all descriptors to be closed", func() bool { return openDescriptors(t) <= before+1 }) // and /dev/null
	ends[0].Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A session ends with camd's end of its pipe, and when camd breaks the protocol.
func TestSessionEndsWithItsPipe(t *testing.T) {
	for name, send := range map[string]func(*wire.Writer){
		"closed at once": func(*wire.Writer) {},
		"hello only":     func(w *wire.Writer) { _ = w.Write(wire.Hello{Version: wire.Version}) },
		"two hellos": func(w *wire.Writer) {
			_ = w.Write(wire.Hello{Version: wire.Version})
			_ = w.Write(wire.Hello{Version: wire.Version})
		},
		"another version": func(w *wire.Writer) { _ = w.Write(wire.Hello{Version: wire.Version + 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			commands, messages := pipe(t), pipe(t)
			send(wire.NewWriter(commands.w))
			commands.w.Close()
			newSession(handover.Camera{ID: "cam", Commands: commands.r, Messages: messages.w}, nil).run(t.Context())
			if err := messages.r.SetReadDeadline(time.Now().Add(testrun.Deadline)); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 100)
			for {
				if _, err := messages.r.Read(b); err != nil {
					break
				}
			}
		})
	}
}

type pipeEnds struct{ r, w *os.File }

func pipe(t *testing.T) pipeEnds {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return pipeEnds{r, w}
}

func must(f *os.File, err error) *os.File {
	if err != nil {
		panic(err)
	}
	return f
}
