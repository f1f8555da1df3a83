package capture

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/framenumber"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

func TestFileEndsWithOnceAndLoopsWithout(t *testing.T) {
	for _, clip := range []testpeer.Clip{testpeer.H264, testpeer.MJPEG} {
		t.Run(clip.Codec, func(t *testing.T) {
			d := startCaptureAtSpeed(t, wire.Start{Source: clip.Make(t), Capture: options.Capture{Once: true, Reader: options.ReaderOpenCV}}, 10)
			d.send(wire.Demand{Wanted: true})
			var last uint64
			for {
				m := d.next()
				if f, ok := m.Message.(wire.Frame); ok {
					last = f.Count
				}
				if e, ok := m.Message.(wire.Ended); ok {
					if e.Reason != string(camera.EndOfFile) {
						t.Errorf("got %+v, want reason %q", e, camera.EndOfFile)
					}
					break
				}
			}
			if want := uint64(clip.Frames()); last != want {
				t.Errorf("the last picture is number %d, want %d", last, want)
			}

			d = startCaptureAtSpeed(t, wire.Start{Source: clip.Make(t), Capture: options.Capture{Reader: options.ReaderOpenCV}}, 10)
			d.send(wire.Demand{Wanted: true})
			for f, _ := d.frame(); f.Count < 3*uint64(clip.Frames()); f, _ = d.frame() {
			}
		})
	}
}

func TestEveryPictureIsSentOnlyOnDemand(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "test://?size=320x180&fps=60"})
	var frames, beats []int64
	for len(frames) < 3 {
		switch m := d.next().Message.(type) {
		case wire.Frame:
			frames = append(frames, m.Captured)
		case wire.Heartbeat:
			beats = append(beats, m.Captured)
		}
	}
	// With 60 pictures a second, a picture is at most a sixtieth of a second late.
	const slack = int64(time.Second / 60)
	for i := 1; i < len(frames); i++ {
		if gap := frames[i] - frames[i-1]; gap < int64(idleInterval)-10*slack {
			t.Errorf("pictures %v apart without demand", time.Duration(gap))
		}
	}
	if len(beats) < 2 {
		t.Errorf("%d heartbeats in two seconds", len(beats))
	}
	d.send(wire.Demand{Wanted: true})
	var first, last wire.Frame
	for i := range 30 {
		if last, _ = d.frame(); i == 0 {
			first = last
		}
	}
	if span := time.Duration(last.Captured - first.Captured); span > 10*time.Second {
		t.Errorf("30 pictures took %v with demand", span)
	}
	d.send(wire.Demand{Wanted: false})
	if b, _ := awaitMessage[wire.Heartbeat](d); b.Count <= last.Count {
		t.Errorf("heartbeat %+v after %+v", b, last)
	}
}

func TestStopDoesNotWaitForOpenCV(t *testing.T) {
	source := silentServer("rtsp")(t)
	for name, act := range map[string]func(*testDaemon){
		"stop":        func(d *testDaemon) { d.send(wire.Stop{}) },
		"end of file": func(d *testDaemon) { d.pipe.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			// This is longer than the test's own deadline, so only a capture that does not wait for OpenCV passes. The end of the
			// server ends the call.
			d := startCapture(t, wire.Start{Source: source, Capture: options.Capture{OpenTimeout: 10 * time.Minute}})
			act(d)
			awaitMessage[wire.Ended](d)
			if err := d.waitEnd(); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}

func TestInvalidCommandsEndTheSession(t *testing.T) {
	for name, speak := range map[string]func(*testDaemon){
		"second start": func(d *testDaemon) { d.send(wire.Start{Source: "test://"}) },
		"garbage":      func(d *testDaemon) { _, _ = d.pipe.Write([]byte("GET / HTTP/1.1\r\n\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: "test://?size=320x180"})
			d.frame()
			speak(d)
			if err := d.waitEnd(); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestTestPatternNumbersIncrease(t *testing.T) {
	for _, quality := range []int{50, 80, 100} {
		d := startCapture(t, wire.Start{Source: "test://?size=320x180&fps=100", Capture: options.Capture{Quality: quality}})
		d.send(wire.Demand{Wanted: true})
		var last uint32
		for range 20 {
			_, p := d.frame()
			img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			n, ok := framenumber.Decode(img)
			if !ok || n <= last {
				t.Fatalf("quality %d: number %d %v after %d", quality, n, ok, last)
			}
			last = n
		}
	}
}

func TestTestPatternHasEverySize(t *testing.T) {
	for _, size := range []image.Point{{16, 16}, {17, 33}, {64, 48}, {160, 96}, {161, 97}, {1920, 1080}, {8192, 16}, {16, 8192}} {
		p := newTestPattern(sourceurl.Source{Size: sourceurl.Size{Width: size.X, Height: size.Y}, FPS: 1000}, 1)
		m := gocv.NewMat()
		for range 40 {
			if err := p.next(t.Context(), &m); err != nil {
				t.Fatal(err)
			}
			if !p.retrieve(&m) || m.Cols() != size.X || m.Rows() != size.Y {
				t.Fatalf("%v: got %dx%d", size, m.Cols(), m.Rows())
			}
		}
		if img, err := m.ToImage(); err != nil {
			t.Fatal(err)
		} else if n, ok := framenumber.Decode(img); ok != !framenumber.Strip(size.X, size.Y).Empty() || ok && n != 40 {
			t.Errorf("%v: number %d %v", size, n, ok)
		}
		m.Close()
		p.close()
	}
}

func TestFrameSlotReturnsTheNewestFrame(t *testing.T) {
	e := newFrameSlot()
	defer e.close()
	p := e.acquire()
	for count := uint64(1); count <= 5; count++ {
		p.count = count
		p = e.publish(p)
	}
	got, _, _ := e.take()
	if got == nil || got.count != 5 {
		t.Fatalf("took %+v, want picture 5", got)
	}
	// The sender keeps one frame while the camera delivers more.
	for count := uint64(6); count <= 9; count++ {
		p.count = count
		if p = e.publish(p); p == got {
			t.Fatal("the reader got the frame that the sender uses")
		}
	}
	if got, _, _ = e.take(); got.count != 9 {
		t.Errorf("took picture %d, want 9", got.count)
	}
	if got, _, fresh := e.take(); got != nil || fresh {
		t.Errorf("took %+v %v, want nothing", got, fresh)
	}
}

// startProcess starts this test program as a capture process.
func startProcess(t testing.TB, start wire.Start, speed string) (cmd *exec.Cmd, commands *wire.Writer, in, out *os.File) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	childIn, in := pipe(t)
	out, childOut := pipe(t)
	cmd = exec.Command(self)
	cmd.Env = append(os.Environ(), speedVariable+"="+speed, "GODEBUG=asyncpreemptoff=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	childIn.Close()
	childOut.Close()
	t.Cleanup(func() { in.Close(); out.Close() })
	commands = wire.NewWriter(in)
	for _, m := range []wire.Message{wire.Hello{Version: wire.Version}, start, wire.Demand{Wanted: true}} {
		if err := commands.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	return cmd, commands, in, out
}

func TestProcessEndsWithItsPipes(t *testing.T) {
	for name, leave := range map[string]func(in, out *os.File){
		"commands closed": func(in, _ *os.File) { in.Close() },
		"reader gone":     func(_, out *os.File) { out.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _, in, out := startProcess(t, wire.Start{Source: "test://?size=320x180"}, "1")
			messages, quit := make(chan message), make(chan struct{})
			go receive(wire.NewReader(out), messages, quit)
			d := testDaemon{t: t, messages: messages}
			d.frame() // so no printed text came between the messages
			close(quit)
			leave(in, out)
			if err := cmd.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
		})
	}
}
