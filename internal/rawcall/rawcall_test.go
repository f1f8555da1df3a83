package rawcall

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testrun"
)

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func newWriter(t testing.TB, f File) *Writer {
	t.Helper()
	w, ok := NewWriter(f)
	if !ok {
		t.Fatal("the file may block")
	}
	return w
}

// What is written in two parts of any size arrives in order, although the pipe is much smaller than what is written.
func TestPipeCarriesAllBytesInOrder(t *testing.T) {
	r, w := pipe(t)
	out := newWriter(t, w)
	random := rand.New(rand.NewPCG(1, 2))
	sent := make([]byte, 3<<20)
	for i := range sent {
		sent[i] = byte(random.Uint32())
	}
	failed := make(chan error, 1)
	go func() {
		defer w.Close()
		for rest := sent; len(rest) > 0; {
			a := rest[:min(len(rest), random.IntN(100))]
			rest = rest[len(a):]
			b := rest[:min(len(rest), random.IntN(200_000))]
			rest = rest[len(b):]
			if n, err := out.WriteBoth(a, b); err != nil || n != len(a)+len(b) {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	got, err := io.ReadAll(NewReader(r))
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestDeadlinesAndClosedEnds(t *testing.T) {
	r, w := pipe(t)
	in, out := NewReader(r), newWriter(t, w)
	past := time.Now().Add(-time.Second)
	_ = r.SetReadDeadline(past)
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	_ = w.SetWriteDeadline(past)
	if _, err := out.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	_ = w.SetWriteDeadline(time.Time{})
	_ = r.Close()
	if _, err := out.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write to a closed pipe: %v", err)
	}
	if _, err := in.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read after Close: %v", err)
	}
}

// A reader that waits returns when its file is closed.
func TestCloseEndsRead(t *testing.T) {
	r, _ := pipe(t)
	ended := make(chan error)
	go func() {
		_, err := NewReader(r).Read(make([]byte, 1))
		ended <- err
	}()
	_ = r.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(testrun.Deadline):
		t.Error("still reading")
	}
}

// A file that may block is read as usual, because a raw call would hold up the process.
func TestBlockingFileIsNotReadRaw(t *testing.T) {
	r, w := pipe(t)
	_, _ = r.Fd(), w.Fd() // makes them blocking
	if in := NewReader(r); in != io.Reader(r) {
		t.Errorf("got a %T", in)
	}
	if _, ok := NewWriter(w); ok {
		t.Error("got a Writer")
	}
}

func connPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

// The errors of a Conn have the same text as those of a *net.TCPConn.
func TestConnHasErrorsOfPackageNet(t *testing.T) {
	for name, cause := range map[string]func(here, peer net.Conn){
		"deadline": func(here, _ net.Conn) { _ = here.SetReadDeadline(time.Now().Add(-time.Second)) },
		"closed":   func(here, _ net.Conn) { _ = here.Close() },
		"end":      func(_, peer net.Conn) { _ = peer.Close() },
		"reset": func(_, peer net.Conn) {
			_ = peer.(*net.TCPConn).SetLinger(0)
			_ = peer.Close()
		},
	} {
		var errs [2]error
		for i, wrap := range []func(net.Conn) net.Conn{NewConn, func(c net.Conn) net.Conn { return c }} {
			plain, peer := connPair(t)
			c := wrap(plain)
			cause(c, peer)
			if name == "reset" {
				testrun.WaitFor(t, "the reset", func() bool { return hasHangup(t, plain) })
			}
			_, errs[i] = c.Read(make([]byte, 1))
		}
		err, want := errs[0], errs[1]
		if err == nil || want == nil || errors.Is(err, io.EOF) != errors.Is(want, io.EOF) || errors.Is(err, net.ErrClosed) != errors.Is(want, net.ErrClosed) ||
			errors.Is(err, os.ErrDeadlineExceeded) != errors.Is(want, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ECONNRESET) != errors.Is(want, syscall.ECONNRESET) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// hasHangup reports whether the peer has reset a connection.
func hasHangup(t *testing.T, c net.Conn) (hangup bool) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}}
		n, _ := unix.Poll(p, 0)
		hangup = n > 0 && p[0].Revents&unix.POLLHUP != 0
	})
	return hangup
}

func TestReadAndWriteDoNotAllocate(t *testing.T) {
	r, w := pipe(t)
	in, out := NewReader(r), newWriter(t, w)
	a, b, to := make([]byte, 10), make([]byte, 100), make([]byte, 200)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = out.WriteBoth(a, b)
		if n, err := in.Read(to); n != 110 || err != nil {
			t.Fatal(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMonotonicNowIsTheKernelsClock(t *testing.T) {
	var before, after unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &before)
	now := MonotonicNow()
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &after)
	if now < before.Nano() || now > after.Nano() {
		t.Errorf("%d is not between %d and %d", now, before.Nano(), after.Nano())
	}
}

// With one processor, a peer that sends without end does not keep other goroutines from running, and not from being woken by their descriptors.
func TestFloodLeavesTimeForOthers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	zero, err := os.Open("/dev/zero") // always has bytes
	if err != nil {
		t.Fatal(err)
	}
	defer zero.Close()
	raw, err := zero.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ended atomic.Bool
	var flood sync.WaitGroup
	flood.Go(func() {
		in, to := newReader(raw), make([]byte, 1<<16)
		for !ended.Load() {
			if _, err := in.Read(to); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20 { // each needs the network poller and the other goroutines
		a, b := connPair(t)
		flood.Go(func() { _, _ = b.Write([]byte("x")) })
		if _, err := NewConn(a).Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
	ended.Store(true)
	flood.Wait()
}
