package webhook

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

// A trouble is queued only when it lasts. The test has no network and its own clock.
func TestBriefTroubleIsNotQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yard := &fakeCamera{}
		w := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, Key: key, Cameras: yard.cameras, After: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.watchCameras(ctx); close(done) }()
		for range 100 { // short troubles
			yard.setState(camera.Live, camera.None)
			time.Sleep(5 * time.Second)
			yard.setState(camera.Offline, camera.Timeout)
			time.Sleep(9 * time.Second)
		}
		synctest.Wait()
		if n := w.queue.len(); n != 0 {
			t.Errorf("%d notices of troubles shorter than ten seconds", n)
		}
		begin := time.Now()
		l := w.queue.next(ctx) // the last trouble lasts
		if waited := time.Since(begin); l.condition != notify.Trouble || waited < time.Second || waited > 2*time.Second {
			t.Errorf("got a notice of %s after %v", l.condition, waited+9*time.Second)
		}
		cancel()
		<-done
	})
}

// fakeReceiver is a receiver with the test's clock. It reports the times of requests, and answers them with the codes in order.
type fakeReceiver struct {
	codes []int
	times []time.Time
}

func (f *fakeReceiver) RoundTrip(*http.Request) (*http.Response, error) {
	f.times = append(f.times, time.Now())
	code := f.codes[0]
	f.codes = f.codes[1:]
	return &http.Response{StatusCode: code, Body: http.NoBody}, nil
}

// Waits grow up to a limit, and start again at the shortest after a successful delivery.
func TestRetryDelaysGrowAndReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeReceiver{codes: []int{500, 500, 500, 500, 500, 500, 500, 500, 500, 200, 500, 200}}
		w := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, Key: key, Cameras: func() []notify.Camera { return nil }})
		w.client.Transport = a
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.deliver(ctx); close(done) }()
		for range 2 {
			w.enqueue(notify.Notice{Camera: "yard"}, time.Now())
			time.Sleep(50 * time.Minute)
		}
		cancel()
		<-done
		if len(a.codes) != 0 {
			t.Fatalf("%d answers were not used", len(a.codes))
		}
		within := func(i int, want time.Duration) {
			t.Helper()
			if wait := a.times[i].Sub(a.times[i-1]); wait < want*2/3 || wait > want*4/3 {
				t.Errorf("attempt %d was after %v, want about %v", i, wait, want)
			}
		}
		for i := 1; i < 10; i++ {
			within(i, min(time.Second<<(i-1), time.Minute))
		}
		within(11, time.Second)
	})
}

func TestClassifyResponses(t *testing.T) {
	for _, c := range []struct {
		code  int
		after string
		ok    bool
		final bool
		wait  time.Duration
	}{
		{200, "", true, false, 0}, {204, "", true, false, 0}, {302, "", false, true, 0}, {400, "", false, true, 0}, {404, "", false, true, 0},
		{410, "", false, true, 0}, {408, "", false, false, 0}, {429, "7", false, false, 7 * time.Second}, {503, "99999999999", false, false, maxRetryAfter},
		{503, "-1", false, false, 0}, {500, "soon", false, false, 0},
	} {
		got := classify(&http.Response{StatusCode: c.code, Header: http.Header{"Retry-After": {c.after}}})
		if (got == nil) != c.ok || got != nil && (got.permanent != c.final || got.retryAfter != c.wait) {
			t.Errorf("%d %s: got %+v", c.code, c.after, got)
		}
	}
}
