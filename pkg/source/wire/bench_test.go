package wire

import (
	"bytes"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
)

const benchSize = 100_000

// BenchmarkPipe sends frames of 100 KB through a pipe, as camd-capture sends them to camd, in comparison with plain bytes. The pipe has
// the system's size (64 KiB) or is enlarged. "stream" keeps it full. "single" sends a frame when the frame before has arrived, as a camera
// does. It measures the time that the pipe adds to a frame's age.
func BenchmarkPipe(b *testing.B) {
	for _, pipe := range []struct {
		name string
		size uintptr
	}{{"64KiB", 0}, {"256KiB", 256 << 10}, {"1MiB", 1 << 20}} {
		for _, how := range []struct {
			name   string
			single bool
		}{{"stream", false}, {"single", true}} {
			b.Run(pipe.name+"/"+how.name+"/frames", func(b *testing.B) { benchmarkPipe(b, pipe.size, how.single, framedEndpoints) })
			b.Run(pipe.name+"/"+how.name+"/baseline", func(b *testing.B) { benchmarkPipe(b, pipe.size, how.single, bareEndpoints) })
		}
	}
}

// endpoints returns functions that send and receive one frame.
type endpoints func(r io.Reader, w io.Writer) (send, receive func() error)

func framedEndpoints(r io.Reader, w io.Writer) (send, receive func() error) {
	out, picture := NewWriter(w), bytes.Repeat([]byte{0xA5}, benchSize)
	in, p := NewReader(r), make([]byte, benchSize)
	in.gotHello = true
	send = func() error { return out.WriteFrame(sampleFrame, picture) }
	receive = func() error {
		if _, err := in.Next(); err != nil {
			return err
		}
		return in.ReadPicture(p)
	}
	return send, receive
}

func bareEndpoints(r io.Reader, w io.Writer) (send, receive func() error) {
	picture, p := bytes.Repeat([]byte{0xA5}, benchSize), make([]byte, benchSize)
	send = func() error { _, err := w.Write(picture); return err }
	receive = func() error { _, err := io.ReadFull(r, p); return err }
	return send, receive
}

func benchmarkPipe(b *testing.B, size uintptr, single bool, ends endpoints) {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	if size > 0 {
		enlargePipe(b, w, size)
	}
	send, receive := ends(r, w)
	turn := make(chan struct{}, 1)
	if !single {
		close(turn)
	}
	done := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		defer w.Close()
		for {
			select {
			case <-done:
				return
			case <-turn:
			}
			if send() != nil {
				return // the reader is gone
			}
		}
	})
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if single {
			turn <- struct{}{}
		}
		if err := receive(); err != nil {
			b.Fatal(err)
		}
	}
	close(done)
	r.Close()
	sender.Wait()
}

func enlargePipe(b *testing.B, w *os.File, size uintptr) {
	conn, err := w.SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	err = conn.Control(func(fd uintptr) {
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, size); errno != 0 {
			b.Skip(errno)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}
