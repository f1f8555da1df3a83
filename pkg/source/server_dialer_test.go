package source

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// fakeServer answers from a given time on. Before that, it refuses or drops connections.
type fakeServer struct {
	from  time.Time
	drops bool
	dials atomic.Int64
	took  []time.Duration // each attempt
}

func (f *fakeServer) dial(ctx context.Context, _ sourceurl.Source) error {
	f.dials.Add(1)
	if !time.Now().Before(f.from) {
		return nil
	}
	if f.drops {
		begun := time.Now()
		<-ctx.Done()
		f.took = append(f.took, time.Since(begun))
		return ctx.Err()
	}
	return syscall.ECONNREFUSED
}

func (f *fakeServer) dialer() *serverDialer {
	d := newServerDialer()
	d.dial = f.dial
	return d
}

// untilAnswer receives results until the server answers, and returns how many failed before.
func untilAnswer(w *dialWait) (failed int) {
	for r := range w.results {
		if r.err == nil {
			return failed
		}
		failed++
	}
	return failed
}

func TestReturningServerIsNoticedSoon(t *testing.T) {
	for _, drops := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const outage, most = 10 * time.Minute, dialTimeout + 100*time.Millisecond
			server := &fakeServer{from: time.Now().Add(outage), drops: drops}
			w := server.dialer().join(parseSource(t, "rtsp://10.0.0.7/stream"), 10*time.Second)
			defer w.close()
			untilAnswer(w)
			if late := time.Since(server.from); late > most {
				t.Errorf("drops = %v: noticed after %v, want at most %v", drops, late, most)
			}
			if drops && (server.took[0] != 10*time.Second || server.took[1] != dialTimeout) {
				t.Errorf("the first attempts took %v, want the open timeout and then %v", server.took[:2], dialTimeout)
			}
		})
	}
}

// Thirty cameras of one recorder cause no more connections than one camera. All of them get the result.
func TestCamerasOfOneServerShareDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const outage = time.Minute
		server := &fakeServer{from: time.Now().Add(outage)}
		d := server.dialer()
		var waits []*dialWait
		for range 30 {
			waits = append(waits, d.join(parseSource(t, "rtsp://10.0.0.7/stream"), 10*time.Second))
			time.Sleep(10 * time.Millisecond)
		}
		if untilAnswer(waits[0]) == 0 {
			t.Error("the first camera got no result of the outage")
		}
		synctest.Wait()               // the answer has been passed to all
		for _, w := range waits[1:] { // each holds the newest result
			if r := <-w.results; r.err != nil {
				t.Errorf("a camera got %v, want that the server answers", r.err)
			}
		}
		for _, w := range waits {
			w.close()
		}
		if n, most := server.dials.Load(), int64(outage*5/4/dialInterval+2); n > most {
			t.Errorf("%d connections in %v, want at most %d", n, outage, most)
		}
		if len(d.loops) != 0 {
			t.Errorf("%d servers are still dialed", len(d.loops))
		}
	})
}

func TestLastCameraEndsTheDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{from: time.Now().Add(time.Hour), drops: true}
		d := server.dialer()
		src := parseSource(t, "rtsp://10.0.0.7/stream")
		first, second := d.join(src, time.Minute), d.join(src, time.Minute)
		first.close()
		synctest.Wait()
		if n := server.dials.Load(); n != 1 || len(d.loops) != 1 {
			t.Errorf("%d connections to %d servers after the first camera left, want 1 to 1", n, len(d.loops))
		}
		second.close() // synctest fails if the loop does not end
		if len(d.loops) != 0 {
			t.Errorf("%d servers are still dialed", len(d.loops))
		}
	})
}

// An outage counts once. When the server is back, earlier failures do not delay the camera.
func TestReturningServerResetsTheBackoff(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, "rtsp://10.0.0.7/stream"), Capture: options.Capture{Reader: options.ReaderOpenCV}}, WorkerPath: "/nowhere"})
	s := newSupervisor(c)
	defer s.cancelRetry()
	for range 8 { // simulates many failures
		s.backoff.NextBackOff()
	}
	for range 3 {
		s.handleDialResult(dialResult{err: syscall.ECONNREFUSED, next: time.Now()})
	}
	if st := c.Status(); st.Counts.Restarts[camera.Unreachable] != 1 || st.State != camera.Offline || st.NextRetry.IsZero() {
		t.Errorf("%s, next attempt %v, restarts %v; want offline and one by %s", st.State, st.NextRetry, st.Counts.Restarts, camera.Unreachable)
	}
	s.handleDialResult(dialResult{})
	if s.queuedSlot == nil {
		t.Fatal("no process will be started")
	}
	for i := range maxStreamRetries {
		if d := s.retryBackoff(camera.NotFound); d > streamRetryDelay*12/10 {
			t.Errorf("attempt %d to find the stream comes after %v", i, d)
		}
	}
	if d := s.retryBackoff(camera.NotFound); d > initialRetryDelay*12/10 {
		t.Errorf("the backoff begins with %v, want about %v", d, initialRetryDelay)
	}
}

func TestRetryDelayAfterRefusedPassword(t *testing.T) {
	s := newSupervisor(New(Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, "rtsp://10.0.0.7/stream"), Capture: options.Capture{Reader: options.ReaderOpenCV}}}))
	for _, event := range []func(){func() {}, func() { s.hasFrame = true }, func() { s.serverUnreachable = true; s.handleDialResult(dialResult{}) }} {
		event()
		if d := s.retryBackoff(camera.Auth); d < maxRetryDelay*8/10 {
			t.Errorf("the next attempt comes after %v, want about %v", d, maxRetryDelay)
		}
	}
	s.cancelRetry()
}

// camd cannot look up mDNS names. The capture process can, so camd starts it although the lookup failed.
func TestUnknownHostIsOpenedByTheProcess(t *testing.T) {
	s := newSupervisor(New(Options{Camera: options.Camera{ID: "cam", Source: parseSource(t, "rtsp://camera.local/stream")}}))
	defer s.cancelRetry()
	s.handleDialResult(dialResult{err: errors.Join(&net.DNSError{IsNotFound: true, Name: "camera.local"})})
	if s.queuedSlot == nil || s.dialing != nil {
		t.Error("no process will be started")
	}
}

// A server that accepts one client at a time, with a pause after each, may refuse the capture process that follows a dial. After such a
// failure, camd starts the process without a dial.
func TestServerIsNotDialedBeforeEachProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dials atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	c := startCamera(t, Options{Camera: options.Camera{Source: parseSource(t, "rtsp://"+l.Addr().String()+"/"), Capture: options.Capture{Reader: options.ReaderOpenCV}}, WorkerPath: faultyWorker(t, "missing")})
	testrun.WaitFor(t, "two attempts", func() bool { return c.Status().Counts.Restarts[camera.NotFound] >= 2 })
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections before two attempts, want 1", n)
	}
}
