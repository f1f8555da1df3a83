package source

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media/fmp4"
	"camd/pkg/source/confine"
	"camd/pkg/source/options"
	"camd/pkg/source/readers"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

const (
	fatalCamera = "fatal" // its third frame crashes the readers process of the tests
	testSecret  = "hush-QUITE-hush"
)

// runReaders is the readers process of the tests, with all restrictions of the real one.
func runReaders() {
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = readers.Run(context.Background(), readers.Options{Socket: conn.(*net.UnixConn), Confine: confine.ReadersProcess, BeforeFrame: crashAtThirdFrame})
}

// crashAtThirdFrame panics with a secret, and with a line like the header of another camera's goroutine.
func crashAtThirdFrame(cameraID, _ string, count uint64) {
	if cameraID == fatalCamera && count == 3 {
		panic("secret " + testSecret + "\ngoroutine 7 [running, labels:{\"camera\": \"other\"}]:\nmain.main()\n")
	}
}

// testProgram returns the path of this test program.
func testProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// newTestPool returns a pool whose process is this test program.
func newTestPool(t *testing.T) (*readerPool, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	p := newReaderPool(testProgram(t), zap.New(core))
	t.Cleanup(func() {
		p.close()
		if t.Failed() {
			for _, e := range logs.All() {
				t.Log(e.Message, e.ContextMap())
			}
		}
	})
	return p, logs
}

func openReader(t *testing.T, p *readerPool, id, url string) *worker {
	t.Helper()
	w, err := p.open(id, wire.Start{Source: url, User: "u", Password: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// next returns the next event of a type.
func next[E event](t *testing.T, w *worker) E {
	t.Helper()
	timeout := time.After(testrun.Deadline)
	for {
		select {
		case e, ok := <-w.events:
			if got, is := e.(E); is {
				return got
			}
			if !ok {
				var want E
				t.Fatalf("the worker ended before a %T", want)
			}
			if ended, is := e.(endedEvent); is {
				t.Fatalf("ended: %+v", ended)
			}
		case <-timeout:
			t.Fatal("no event")
		}
	}
}

// waitForEnd waits until a worker ends without a reason.
func waitForEnd(t *testing.T, w *worker) {
	t.Helper()
	timeout := time.After(testrun.Deadline)
	for {
		select {
		case e, ok := <-w.events:
			if !ok {
				w.stop(testrun.Deadline)
				return
			}
			if ended, is := e.(endedEvent); is {
				t.Fatalf("ended: %+v", ended)
			}
		case <-timeout:
			t.Fatal("the worker does not end")
		}
	}
}

func TestReaderPoolReadsVideo(t *testing.T) {
	for _, codec := range []string{"h264", "h265"} {
		t.Run(codec, func(t *testing.T) {
			server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.Clip{Codec: codec}, User: "u", Password: testSecret})
			p, _ := newTestPool(t)
			w := openReader(t, p, "cam", server.URL())
			defer w.stop(testrun.Deadline)
			next[loadedEvent](t, w)
			if opened := next[openedEvent](t, w); opened.Backend != "RTSP" || opened.Codec != codec || !opened.Passthrough {
				t.Errorf("%+v", opened)
			}
			path := filepath.Join(t.TempDir(), "stream.mp4")
			var b []byte
			var first videoEvent
			for i := range 40 {
				v := next[videoEvent](t, w)
				f := v.frame
				if i == 0 {
					first, b = v, append(b, f.Format.Init...)
				}
				if i == 0 && !f.Key || f.Format != first.frame.Format || f.Format.Width != 320 || f.Format.Height != 240 || f.Format.Codec != codec {
					t.Fatalf("frame %d: key %v, format %+v", i, f.Key, f.Format)
				}
				if age := time.Since(f.Captured); age < 0 || age > testrun.Deadline || v.count != uint64(i+1) {
					t.Errorf("frame %d: age %v, count %d", i, age, v.count)
				}
				fmp4.SetTime(f.Wire[:fmp4.HeadSize], uint32(i+1), uint64(fmp4.Ticks(f.DTS)-fmp4.Ticks(first.frame.DTS)))
				b = append(b, f.Wire...)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if n := len(testpeer.DecodedPictures(t, path)); n != 40 {
				t.Errorf("%d pictures", n)
			}
		})
	}
}

func TestReaderPoolReadsJPEG(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.MJPEG})
	p, _ := newTestPool(t)
	w := openReader(t, p, "cam", server.URL())
	defer w.stop(testrun.Deadline)
	w.send(wire.Demand{Wanted: true})
	w.send(wire.Renditions{})
	w.send(wire.SetControls{Request: 1})
	for range 3 {
		if f := next[frameEvent](t, w); !isPicture(f.frame.Data) || f.rendition != 0 {
			t.Errorf("%d bytes of rendition %d", len(f.frame.Data), f.rendition)
		}
	}
}

func TestReaderPoolReportsFailures(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: "another"})
	p, _ := newTestPool(t)
	for _, one := range []struct {
		start       wire.Start
		reason      camera.Reason
		detail      string
		unsupported bool
	}{
		{wire.Start{Source: server.URL(), User: "u", Password: "wrong"}, camera.Auth, "login failed (401): check user and password", false},
		{wire.Start{Source: "test://"}, camera.BadStream, "the readers process does not read sources of kind test", true},
		{wire.Start{Source: "?://"}, camera.BadStream, `unknown kind of source "://": camd reads test://, rtsp://, rtsps://, http://, https://, http+poll://, https+poll://, file://, /dev/videoN and file paths`, false},
		{wire.Start{Source: "rtsps://" + server.Address + "/", Capture: options.Capture{TLS: tlsverify.Options{CAFile: "/none.pem"}}},
			camera.Certificate, "read ca_file: open /none.pem: no such file or directory", false},
	} {
		w, err := p.open("cam", one.start)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := next[endedEvent](t, w), (endedEvent{one.reason, one.detail, one.unsupported}); got != want {
			t.Errorf("%s: got %+v,\nwant %+v", one.start.Source, got, want)
		}
		w.stop(testrun.Deadline)
	}
}

// The readers process can open neither file when the camera comes.
func TestReadersProcessVerifiesCertificates(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264})
	pair := testpeer.Certificate{}.Make(t)
	secure := testpeer.ServeTLS(t, server.Address, pair)
	for name, o := range map[string]tlsverify.Options{"CA file": {CAFile: pair.File}, "system": {}} {
		t.Run(name, func(t *testing.T) {
			if o.CAFile == "" {
				t.Setenv("SSL_CERT_FILE", pair.File)
			}
			p, _ := newTestPool(t)
			w, err := p.open("cam", wire.Start{Source: "rtsps://" + secure.Address + "/cam", Capture: options.Capture{TLS: o}})
			if err != nil {
				t.Fatal(err)
			}
			next[videoEvent](t, w)
			w.stop(testrun.Deadline)
		})
	}
}

// A process that cannot read the resolver's new files keeps its cameras, and new cameras get another one.
func TestReadersProcessIsReplacedWithResolverFiles(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: testSecret})
	p, _ := newTestPool(t)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	p.resolverFiles = []string{path, path + ".missing"}
	first := openReader(t, p, "first", server.URL())
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	second, third := openReader(t, p, "second", server.URL()), openReader(t, p, "third", server.URL())
	for _, w := range []*worker{first, second, third} {
		next[videoEvent](t, w)
	}
	if n := p.usage().Processes; n != 2 {
		t.Errorf("%d processes", n)
	}
	first.stop(testrun.Deadline)
	if n := p.usage().Processes; n != 1 {
		t.Errorf("%d processes after the first camera's end", n)
	}
	second.stop(testrun.Deadline)
	third.stop(testrun.Deadline)
}

// A crash ends the sessions of all cameras. The camera that caused it is found, and gets a process of its own after three crashes.
func TestReaderCrashIsAttributed(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: testSecret})
	p, logs := newTestPool(t)
	other := openReader(t, p, "other", server.URL())
	for crash := range maxCrashes {
		fatal := openReader(t, p, fatalCamera, server.URL())
		if fatal.pid() != 0 || other.pid() != 0 {
			t.Error("a process of its own")
		}
		waitForEnd(t, fatal)
		waitForEnd(t, other)
		if reason, detail := other.exitReason(); reason != camera.WorkerCrashed || detail != "the readers process crashed on what another camera sent" || !other.isCrashOfOther() {
			t.Errorf("crash %d: %s, %q", crash, reason, detail)
		}
		reason, detail := fatal.exitReason()
		if reason != camera.WorkerCrashed || !strings.HasPrefix(detail, "the reader crashed on what this camera sent: panic: secret ***, in camd/pkg/source.crashAtThirdFrame (reader_pool_test.go:") || fatal.isCrashOfOther() {
			t.Errorf("crash %d: %s, %q", crash, reason, detail)
		}
		other = openReader(t, p, "other", server.URL())
	}
	next[videoEvent](t, other)
	fatal := openReader(t, p, fatalCamera, server.URL())
	if fatal.pid() == 0 {
		t.Error("no process of its own")
	}
	waitForEnd(t, fatal)
	if reason, detail := fatal.exitReason(); reason != camera.WorkerCrashed || !strings.Contains(detail, "panic: secret ***") || fatal.cpuTime() == 0 {
		t.Errorf("%s, %q, %v", reason, detail, fatal.cpuTime())
	}
	for range 3 {
		next[videoEvent](t, other) // its process lives
	}
	if u := p.usage(); u.Processes != 1 || u.Crashes != maxCrashes+1 || u.CPUSeconds == 0 || u.RSSBytes == 0 {
		t.Errorf("%+v", u)
	}
	other.stop(testrun.Deadline)
	if n := logs.FilterMessage("readers process crashed").FilterField(zap.String("camera", fatalCamera)).Len(); n != maxCrashes+1 {
		t.Errorf("%d crashes logged", n)
	}
	for _, e := range logs.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, testSecret) {
			t.Errorf("a secret in %q", text)
		}
	}
}

// A process that a signal has stopped gets no more cameras. It is killed when its last session has been given up.
func TestStoppedReadersProcessIsReplaced(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: testSecret})
	p, logs := newTestPool(t)
	first, second := openReader(t, p, "first", server.URL()), openReader(t, p, "second", server.URL())
	next[videoEvent](t, first)
	next[videoEvent](t, second)
	process := first.host.(*readerSession).process
	if err := process.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	first.stop(10 * time.Millisecond)
	if logs.FilterMessage("reader did not stop").Len() != 1 || process.hasExited() {
		t.Error("the first session stopped, or the process ended with it")
	}
	first = openReader(t, p, "first", server.URL())
	next[videoEvent](t, first)
	second.stop(testrun.Deadline) // it is not waited for
	if !process.hasExited() || !second.reaped || p.usage().Processes != 1 || p.usage().Crashes != 0 {
		t.Errorf("the stopped process runs on: %+v", p.usage())
	}
	first.stop(testrun.Deadline)
}

func TestReaderSessionStopsInTime(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "u", Password: testSecret})
	p, logs := newTestPool(t)
	for range 3 {
		w := openReader(t, p, "cam", server.URL())
		next[videoEvent](t, w)
		w.stop(testrun.Deadline) // nobody receives its events meanwhile
		if !w.reaped || w.cpuTime() != 0 {
			t.Error("not ended")
		}
	}
	if n := logs.FilterMessage("readers process started").Len(); n != 1 {
		t.Errorf("%d processes", n)
	}
	p.close()
	if _, err := p.open("cam", wire.Start{Source: server.URL()}); err == nil {
		t.Error("opened after close")
	}
}

func TestReaderPoolWithoutProgram(t *testing.T) {
	p := newReaderPool(filepath.Join(t.TempDir(), "none"), zap.NewNop())
	defer p.close()
	if _, err := p.open("cam", wire.Start{Source: "rtsp://127.0.0.1:1/"}); err == nil {
		t.Error("no error")
	}
}
