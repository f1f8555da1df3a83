package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"camd/internal/rawcall"
	"camd/pkg/camera"
	"camd/pkg/media/fmp4"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// TestMain also runs the test program as camd-capture, with faults that no real camera shows on demand.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		runFaultyWorker(os.Args[2], os.Args[3])
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == readersCommand {
		runReaders()
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "hold" {
		preventReaping(os.Args[2])
	}
	goleak.VerifyTestMain(m)
}

// preventReaping keeps a process from being reaped, whatever kills it, until the standard input of this program ends. For its parent, it
// looks like a process that hangs in a driver.
func preventReaping(pid string) {
	runtime.LockOSThread()
	id, _ := strconv.Atoi(pid)
	if err := unix.PtraceSeize(id); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// runFaultyWorker is a worker with a fault. It keeps state from one run to the next in dir.
func runFaultyWorker(fault, dir string) {
	out := wire.NewWriter(os.Stdout)
	in := wire.NewReader(os.Stdin)
	if fault == "loading" { // never has all libraries
		time.Sleep(time.Hour)
	}
	_ = out.Write(wire.Hello{Version: wire.Version})
	first := os.Mkdir(filepath.Join(dir, "ran"), 0o700) == nil
	if decoderFault, ok := strings.CutPrefix(fault, "decoder "); ok {
		(&faultyDecoder{fault: decoderFault, first: first, in: in, out: out}).run()
		return
	}
	switch fault {
	case "silent":
		time.Sleep(time.Hour)
	case "claims video": // says that it sends video, and sends pictures
		_ = out.Write(wire.Opened{Codec: "h264", Width: 32, Height: 16, FPS: 30, Passthrough: true})
		sendPictures(out, 3)
	case "ends video": // sends video, and then pictures
		_ = out.Write(wire.Opened{Codec: "h264", Width: 64, Height: 48, Passthrough: true})
		_ = out.Write(sampleFormat)
		_ = out.WriteVideoFrame(wire.VideoFrame{Captured: rawcall.MonotonicNow(), Count: 1, Key: true}, make([]byte, fmp4.HeadSize+1))
		for { // until the test has seen the track
			m, err := in.Next()
			if _, ok := m.(wire.Demand); ok {
				break
			}
			if err != nil {
				return
			}
		}
		sendFrames(out, 1)
	case "deaf": // ends only by SIGKILL
		signal.Ignore(syscall.SIGTERM)
		sendFrames(out, 1)
		time.Sleep(time.Hour)
	case "nonsense":
		sendFrames(out, 3)
		_, _ = os.Stdout.WriteString("Segmentation fault, they said, and wrote it to the wrong place")
		time.Sleep(time.Hour)
	case "crash":
		sendFrames(out, 3)
		fmt.Fprintln(os.Stderr, "about to crash")
		if first {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	case "reason": // reports its end, and does not end
		_ = out.Write(wire.Ended{Reason: string(camera.Auth), Detail: "401 Unauthorized"})
		time.Sleep(time.Hour)
	case "missing": // its server has no such stream
		_ = out.Write(wire.Ended{Reason: string(camera.NotFound), Detail: "404"})
	case "garbage":
		_ = out.Write(wire.Opened{Codec: "mjpeg", Width: 32, Height: 16, FPS: 30})
		for i := range 1000 {
			_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: uint64(i + 1)}, []byte("no picture at all"))
			time.Sleep(time.Millisecond)
		}
	case "loses": // has left out some pictures
		_ = out.Write(wire.Refused{Pictures: map[string]uint64{"truncated": 2, "damaged": 3}})
		_ = out.Write(wire.Refused{Pictures: map[string]uint64{"damaged": 4}})
		sendFrames(out, 1)
	case "invents":
		_ = out.Write(wire.Refused{Pictures: map[string]uint64{"ugly": 1}})
	case "invents a cause":
		_ = out.Write(wire.Refused{Cause: "ugly"})
	case "damaged": // sends good pictures, and then reports damaged ones
		sendFrames(out, 3)
		for i := uint64(4); ; i++ {
			_ = out.Write(wire.Refused{Pictures: map[string]uint64{"damaged": 1}, Cause: "damaged", Detail: "3 of 9 blocks"})
			_ = out.Write(wire.Heartbeat{Captured: rawcall.MonotonicNow(), Count: i})
			time.Sleep(10 * time.Millisecond)
		}
	case "frozen": // sends the same picture again and again
		_ = out.Write(wire.Opened{Codec: "mjpeg", Width: 32, Height: 16, FPS: 30})
		for i := uint64(1); ; i++ {
			_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: i}, testJPEG())
			if _, err := os.Stat(filepath.Join(dir, "moved")); err == nil { // a last one, of something else
				_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: i + 1}, shadedJPEG(200))
				_ = os.Remove(filepath.Join(dir, "moved"))
			}
			time.Sleep(10 * time.Millisecond)
		}
	case "oversized": // sends a good picture, then pictures that are too large, until the test lets it recover
		_ = out.Write(wire.Opened{Codec: "mjpeg", Width: 32, Height: 16, FPS: 30})
		_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: 1}, testJPEG())
		large := make([]byte, 1<<20+1)
		for i := uint64(2); ; i++ {
			if _, err := os.Stat(filepath.Join(dir, "recovers")); err == nil {
				break
			}
			_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: i}, large)
			time.Sleep(10 * time.Millisecond)
		}
		sendFrames(out, 3)
	case "wide": // sends pictures with too many pixels
		_ = out.Write(wire.Opened{Codec: "mjpeg", Width: 32, Height: 16, FPS: 30})
		for i := uint64(1); ; i++ {
			_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: i}, testJPEG())
			time.Sleep(10 * time.Millisecond)
		}
	case "hostile": // sends random messages, different ones in each run
		r := rand.New(rand.NewPCG(readSeed(dir)))
		sendRandomMessages(os.Stdout, out, r)
		os.Exit(r.IntN(3))
	case "resizes": // its pictures never keep their size
		sendFrames(out, 3)
		_ = out.Write(wire.Ended{Reason: string(camera.Resized), Detail: "another size"})
	case "hungry": // takes memory and keeps it
		sendFrames(out, 3)
		if first {
			heldMemory = bytes.Repeat([]byte{1}, 128<<20)
		}
	case "rare": // sends its only picture of a rendition before one of main
		sendFrames(out, 3)
		for asked := 0; asked < 2; {
			m, err := in.Next()
			if d, ok := m.(wire.Demand); ok && d.Rendition > 0 {
				asked++
			}
			if err != nil {
				return
			}
		}
		_ = out.WriteFrame(wire.Frame{Rendition: 1, Captured: rawcall.MonotonicNow(), Count: 3}, shadedJPEG(100))
	case "quiet": // sends three pictures and then none
		sendFrames(out, 3)
	case "tuned": // has no fault, and has controls
		runControlsWorker(in, out)
	case "pretends": // sends JPEGs, and calls them video
		_ = out.Write(wire.Opened{Codec: "h264", Width: 32, Height: 16, FPS: 30, Passthrough: true})
		for i := uint64(1); ; i++ {
			if out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: i}, testJPEG()) != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	case "leaks": // prints its start message
		for {
			m, err := in.Next()
			if s, ok := m.(wire.Start); ok {
				fmt.Fprintf(os.Stderr, "opening rtsp://%s:%s@host/ %s env %q args %q\n", s.User, s.Password, s.Source, os.Environ(), os.Args)
				break
			}
			if err != nil {
				return
			}
		}
		sendFrames(out, 1)
	}
	serveUntilStopped(in, out)
}

// readSeed returns the seed in dir, and the number of this worker.
func readSeed(dir string) (seed, run uint64) {
	b, _ := os.ReadFile(filepath.Join(dir, "seed"))
	seed, _ = strconv.ParseUint(string(b), 10, 64)
	for os.Mkdir(filepath.Join(dir, fmt.Sprint("run", run)), 0o700) != nil {
		run++
	}
	return seed, run
}

// serveUntilStopped works without a fault: it sends pictures while they are wanted.
func serveUntilStopped(in *wire.Reader, out *wire.Writer) {
	for wanted := false; ; {
		m, err := in.Next()
		switch m := m.(type) {
		case wire.Demand:
			switch {
			case m.Rendition > 0: // until it is not wanted any more
				wanted = m.Wanted
			case m.Wanted:
				sendFrames(out, 3)
			}
			if wanted {
				_ = out.WriteFrame(wire.Frame{Rendition: m.Rendition, Captured: rawcall.MonotonicNow(), Count: 3}, shadedJPEG(100))
			}
		case wire.Stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// sendFrames sends n pictures.
func sendFrames(out *wire.Writer, n int) {
	_ = out.Write(wire.Opened{Codec: "mjpeg", Width: 32, Height: 16, FPS: 30})
	sendPictures(out, n)
}

func sendPictures(out *wire.Writer, n int) {
	for i := range n {
		_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: uint64(i + 1), Encode: time.Millisecond}, testJPEG())
	}
}

// sendRandomMessages writes messages in any order and with any content, complete or cut, or bytes that are no messages.
func sendRandomMessages(raw io.Writer, out *wire.Writer, r *rand.Rand) {
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range r.IntN(60) {
		switch r.IntN(12) {
		case 0:
			_, _ = raw.Write(noise(r.IntN(100)))
		case 1: // a message that is announced and does not come whole
			_, _ = raw.Write(append(binary.BigEndian.AppendUint32(nil, uint32(r.IntN(1000))), noise(r.IntN(20))...))
		case 2: // one of any size
			_, _ = raw.Write(binary.BigEndian.AppendUint32(nil, r.Uint32()))
		case 3:
			_ = out.Write(wire.Hello{Version: uint16(r.Uint32())})
		case 4:
			_ = out.Write(wire.Ended{Reason: string(noise(5)), Detail: string(noise(50))})
		case 5:
			_ = out.Write(wire.Heartbeat{Captured: r.Int64(), Count: r.Uint64()})
		case 6:
			_ = out.Write(wire.Opened{Codec: string(noise(9)), Width: int(r.Int32()), Height: -int(r.Int32()), FPS: r.NormFloat64() * 1e300})
		case 7:
			_ = out.WriteFrame(wire.Frame{Captured: r.Int64(), Count: r.Uint64(), Encode: time.Duration(r.Int64())}, noise(1+r.IntN(5000)))
		case 8:
			jpeg := testJPEG()
			jpeg[r.IntN(len(jpeg))] ^= byte(1 + r.IntN(255))
			_ = out.WriteFrame(wire.Frame{Captured: rawcall.MonotonicNow(), Count: r.Uint64()}, jpeg)
		case 9:
			_ = out.Write(wire.Demand{Wanted: true}) // not a worker's to say
		default:
			sendFrames(out, r.IntN(5))
		}
	}
}

// heldMemory keeps memory of a worker allocated.
var heldMemory []byte

func testJPEG() []byte { return shadedJPEG(0) }

func shadedJPEG(shade uint8) []byte {
	img := image.NewGray(image.Rect(0, 0, 32, 16))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil)
	return b.Bytes()
}

// faultyWorker returns the path of a worker with a fault.
func faultyWorker(t *testing.T, fault string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, WorkerName)
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' worker '%s' '%s'\n", self, fault, dir)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// runningCamera is a camera that runs.
type runningCamera struct {
	*Camera
	logs *observer.ObservedLogs
	stop func()
}

// startCamera runs a camera until the test ends.
func startCamera(t *testing.T, o Options) *runningCamera {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	o.ID, o.Log, o.StopGracePeriod = "cam", zap.New(core), 200*time.Millisecond
	if o.Source.Kind == "" {
		o.Source = sourceurl.Source{Kind: sourceurl.Test, Size: sourceurl.Size{Width: 320, Height: 180}, FPS: 30}
	}
	c := New(o)
	c.decoderLinger = time.Second
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	r := &runningCamera{Camera: c, logs: logs, stop: func() { cancel(); <-done }}
	t.Cleanup(r.stop)
	return r
}

// waitForState waits until the camera is in a state.
func (r *runningCamera) waitForState(t *testing.T, state camera.State) camera.Status {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		s := r.Status()
		if s.State == state {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("state %s (%s: %s), want %s", s.State, s.Reason, s.Detail, state)
		}
	}
}

// processExists reports whether a process exists.
func processExists(pid int) bool { return syscall.Kill(pid, 0) == nil }

func stateField(s camera.State) zap.Field { return zap.String("state", string(s)) }
