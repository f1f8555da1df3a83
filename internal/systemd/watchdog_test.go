package systemd

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"camd/internal/testrun"
	"camd/pkg/connlimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeWorker is a LivenessChecker with the time of its last progress.
type fakeWorker struct{ last time.Time }

func (f *fakeWorker) Alive(since time.Time) error {
	if f.last.Before(since) {
		return errors.New("worker: no progress")
	}
	return nil
}

// One minute of a watchdog of 30 s, second by second, for a part that makes no progress for a while.
func TestWatchdogIsFedOnlyWhileAllMakeProgress(t *testing.T) {
	const limit = 30
	for name, c := range map[string]struct {
		blocks, goesOn int // the part makes no progress from the first second to the other
		fed            []int
		triggered      []int
		said           []string
	}{
		"healthy": {100, 100, []int{0, 15, 30, 45, 60}, nil, nil},
		"shortly": {20, 34, []int{0, 15, 30, 45, 60}, nil, nil},
		"long":    {20, 40, []int{0, 15, 30, 40, 55}, nil, []string{"watchdog not fed", "watchdog fed again"}},
		"for ever": {20, 100, []int{0, 15, 30},
			[]int{42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60}, []string{"watchdog not fed"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := listenNotify(t)
			core, logs := observer.New(zapcore.DebugLevel)
			w, begin := &fakeWorker{}, time.Now()
			g := watchdog{Service: New(zap.New(core)), limit: limit * time.Second, all: []LivenessChecker{&fakeWorker{begin.Add(time.Hour)}, w}}
			var fed, triggered []int
			for second := range 61 {
				now := begin.Add(time.Duration(second) * time.Second)
				if second < c.blocks || second >= c.goesOn {
					w.last = now
				}
				g.check(now)
				switch messages := m.messages(); {
				case slices.Equal(messages, []string{"WATCHDOG=1"}):
					fed = append(fed, second)
				case slices.Equal(messages, []string{"WATCHDOG=trigger"}):
					triggered = append(triggered, second)
				case messages != nil:
					t.Errorf("second %d: %q", second, messages)
				}
			}
			if !slices.Equal(fed, c.fed) || !slices.Equal(triggered, c.triggered) {
				t.Errorf("fed %v, want %v; triggered %v, want %v", fed, c.fed, triggered, c.triggered)
			}
			var said []string
			for _, e := range logs.All() {
				said = append(said, e.Message)
			}
			if !slices.Equal(said, c.said) {
				t.Errorf("said %q, want %q", said, c.said)
			}
			if len(said) > 0 {
				e := logs.All()[0]
				fields := e.ContextMap()
				if e.Level != zapcore.ErrorLevel || fields["error"] != "worker: no progress" || !strings.Contains(fields["goroutines"].(string), "TestWatchdogIsFedOnlyWhileAllMakeProgress") {
					t.Errorf("%s %v", e.Level, fields)
				}
			}
		})
	}
}

// startProbe runs a probe until the test ends.
func startProbe(t *testing.T, url string) *listenerProbe {
	t.Helper()
	d := newListenerProbe(url, &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, 20*time.Millisecond)
	d.last.Store(&probeResult{}) // no request has been answered yet
	done := make(chan struct{})
	go func() { defer close(done); d.run(t.Context()) }()
	t.Cleanup(func() { <-done }) // the context has ended by then
	return d
}

func TestProbeIsAliveWhileRequestsAreAnswered(t *testing.T) {
	for name, serve := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
			t.Cleanup(s.Close)
			d, begin := startProbe(t, s.URL+"/healthz"), time.Now()
			testrun.WaitFor(t, "an answer", func() bool { return d.Alive(begin) == nil })
		})
	}
}

func TestProbeReportsWhyNoRequestIsAnswered(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // nothing accepts its connections
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deaf.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(broken.Close)
	for addr, want := range map[string]string{
		deaf.Addr().String():            "Client.Timeout",
		gone.Addr().String():            "connection refused",
		broken.Listener.Addr().String(): "the answer is 500",
	} {
		d := startProbe(t, "http://"+addr+"/healthz")
		testrun.WaitFor(t, want, func() bool {
			err := d.Alive(time.Now().Add(-time.Hour))
			return err != nil && strings.Contains(err.Error(), want)
		})
	}
}

// If this machine does not have the address, a restart would not help.
func TestProbeIgnoresMissingAddress(t *testing.T) {
	d, begin := startProbe(t, "http://[fe80::1%25lo]:1/healthz"), time.Now()
	testrun.WaitFor(t, "a probe", func() bool { return d.Alive(begin) == nil })
}

// A refusal of a full listener counts as an answer, because a restart would close all connections.
func TestProbeCountsRefusalWhenFullAsResponse(t *testing.T) {
	for scheme, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(scheme, func(t *testing.T) {
			plain, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			full := connlimit.New(nil)
			full.SetLimits(connlimit.Limits{Total: 1})
			l := full.Listener(plain, secure)
			in, err := net.Dial("tcp", plain.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			first, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			full.MarkBusy(first)
			done := make(chan struct{})
			go func() { defer close(done); _, _ = l.Accept() }()
			t.Cleanup(func() {
				for _, c := range []io.Closer{l, in, first} {
					_ = c.Close()
				}
				<-done
			})
			d, begin := startProbe(t, scheme+"://"+plain.Addr().String()+"/healthz"), time.Now()
			testrun.WaitFor(t, "an answer", func() bool { return d.Alive(begin) == nil })
			if n := full.Count().Refused[connlimit.ReasonTotal]; n == 0 {
				t.Error("the listener was not full")
			}
		})
	}
}
