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

	"camd/pkg/turnstile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worker is Living: it worked last at a time.
type worker struct{ last time.Time }

func (w *worker) Alive(since time.Time) error {
	if w.last.Before(since) {
		return errors.New("worker: stands still")
	}
	return nil
}

// A minute of a watchdog of 30 s, second by second, around something that stands still for a while.
func TestGuard(t *testing.T) {
	const limit = 30
	for name, c := range map[string]struct {
		blocks, goesOn int // from second to second
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
			m := manage(t)
			core, logs := observer.New(zapcore.DebugLevel)
			w, begin := &worker{}, time.Now()
			g := guard{Service: New(zap.New(core)), limit: limit * time.Second, all: []Living{&worker{begin.Add(time.Hour)}, w}}
			var fed, triggered []int
			for second := range 61 {
				now := begin.Add(time.Duration(second) * time.Second)
				if second < c.blocks || second >= c.goesOn {
					w.last = now
				}
				g.look(now)
				switch told := m.told(); {
				case slices.Equal(told, []string{"WATCHDOG=1"}):
					fed = append(fed, second)
				case slices.Equal(told, []string{"WATCHDOG=trigger"}):
					triggered = append(triggered, second)
				case told != nil:
					t.Errorf("second %d: %q", second, told)
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
				if e.Level != zapcore.ErrorLevel || fields["error"] != "worker: stands still" || !strings.Contains(fields["goroutines"].(string), "TestGuard") {
					t.Errorf("%s %v", e.Level, fields)
				}
			}
		})
	}
}

// knocking runs a door until the test ends.
func knocking(t *testing.T, url string) *door {
	t.Helper()
	d := newDoor(url, &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, 20*time.Millisecond)
	d.last.Store(&visit{}) // it has yet to be answered
	done := make(chan struct{})
	go func() { defer close(done); d.run(t.Context()) }()
	t.Cleanup(func() { <-done }) // the context has ended by then
	return d
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestDoorThatAnswers(t *testing.T) {
	for name, serve := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
			t.Cleanup(s.Close)
			d, begin := knocking(t, s.URL+"/healthz"), time.Now()
			until(t, "an answer", func() bool { return d.Alive(begin) == nil })
		})
	}
}

func TestDoorThatDoesNot(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // which accepts nobody
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
		broken.Listener.Addr().String(): "it answers 500",
	} {
		d := knocking(t, "http://"+addr+"/healthz")
		until(t, want, func() bool {
			err := d.Alive(time.Now().Add(-time.Hour))
			return err != nil && strings.Contains(err.Error(), want)
		})
	}
}

// An address that this machine does not have is no reason to start anew.
func TestDoorWithoutAddress(t *testing.T) {
	d, begin := knocking(t, "http://[fe80::1%25lo]:1/healthz"), time.Now()
	until(t, "a visit", func() bool { return d.Alive(begin) == nil })
}

// A door behind which there is no more room is one that answers: a restart would cut all who are in.
func TestDoorThatIsFull(t *testing.T) {
	for scheme, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(scheme, func(t *testing.T) {
			plain, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			full := turnstile.New(nil)
			full.Limit(turnstile.Limits{InAll: 1})
			l := full.Listener(plain, secure)
			in, err := net.Dial("tcp", plain.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			first, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			full.Busy(first)
			done := make(chan struct{})
			go func() { defer close(done); _, _ = l.Accept() }()
			t.Cleanup(func() {
				for _, c := range []io.Closer{l, in, first} {
					_ = c.Close()
				}
				<-done
			})
			d, begin := knocking(t, scheme+"://"+plain.Addr().String()+"/healthz"), time.Now()
			until(t, "an answer", func() bool { return d.Alive(begin) == nil })
			if n := full.Count().Refused[turnstile.Full]; n == 0 {
				t.Error("it was not full")
			}
		})
	}
}
