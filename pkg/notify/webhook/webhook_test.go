package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take that is waited for.
const patience = 30 * time.Second

var key = []byte("0123456789abcdef0123456789abcdef")

// life is a camera's history that a test writes.
type life struct {
	mu      sync.Mutex
	changes []camera.Change // newest first
}

func (l *life) become(s camera.State, r camera.Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = slices.Insert(l.changes, 0, camera.Change{State: s, Reason: r, Detail: "what exactly", Since: time.Now()})
}

func (l *life) history() []camera.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changes)
}

func (l *life) cameras() []notify.Camera {
	return []notify.Camera{{ID: "yard", Title: "The yard", History: l.history}}
}

// run runs webhooks until the test ends. counted returns how often each result came, of all of them together.
func run(t *testing.T, options ...Options) (counted func(Result) int, log *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(zap.DebugLevel)
	var mu sync.Mutex
	counts := map[Result]int{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, o := range options {
		o.Key, o.Site, o.Log = key, "box", zap.New(core)
		o.Count = func(r Result) {
			mu.Lock()
			defer mu.Unlock()
			counts[r]++
		}
		running.Go(func() { New(o).Run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return func(r Result) int {
		mu.Lock()
		defer mu.Unlock()
		return counts[r]
	}, log
}

// received is a request as a receiver has it.
type received struct {
	header http.Header
	body   []byte
}

// receive serves until the test ends: the requests go to the channel, and each is answered by what answer says.
func receive(t *testing.T, answer http.HandlerFunc) (*url.URL, <-chan received) {
	t.Helper()
	requests := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- received{r.Header, body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return parse(t, server.URL+"/hooks/canary?token=canary"), requests
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func next(t *testing.T, requests <-chan received) received {
	t.Helper()
	select {
	case r := <-requests:
		return r
	case <-time.After(patience):
		t.Fatal("no request came")
		return received{}
	}
}

func fine(http.ResponseWriter, *http.Request) {}

// verify checks a signature by the text of the specification, without its library.
func verify(t *testing.T, r received) {
	t.Helper()
	id, stamp := r.header.Get("Webhook-Id"), r.header.Get("Webhook-Timestamp")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + string(r.body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := r.header.Get("Webhook-Signature"); id == "" || !hmac.Equal([]byte(got), []byte(want)) {
		t.Errorf("id %q, signature %q, want %q", id, got, want)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Second || age > patience {
		t.Errorf("timestamp %q is %v old, %v", stamp, age, err)
	}
}

func TestDelivery(t *testing.T) {
	address, requests := receive(t, fine)
	yard := &life{}
	yard.become(camera.Live, camera.None)
	counted, log := run(t, Options{URL: address, Cameras: yard.cameras, Dashboard: "https://cams.example"})
	yard.become(camera.Offline, camera.Unreachable)
	trouble := next(t, requests)
	verify(t, trouble)
	since := yard.history()[0].Since
	var got map[string]any
	if err := json.Unmarshal(trouble.body, &got); err != nil {
		t.Fatalf("%s: %v", trouble.body, err)
	}
	stamp, err := time.Parse(time.RFC3339, got["timestamp"].(string))
	if err != nil || time.Since(stamp) > patience {
		t.Errorf("timestamp %v, %v", got["timestamp"], err)
	}
	const form = "2006-01-02T15:04:05.999Z07:00"
	want := map[string]any{"type": "camera.trouble", "timestamp": got["timestamp"], "data": map[string]any{
		"version": 1.0, "site": "box", "camera": "yard", "title": "The yard", "state": "offline", "reason": "unreachable",
		"reason_text": "the camera cannot be reached", "detail": "what exactly", "since": since.UTC().Truncate(time.Millisecond).Format(form),
		"previous": map[string]any{
			"state": "live", "reason": "", "reason_text": "", "since": yard.history()[1].Since.UTC().Truncate(time.Millisecond).Format(form),
		},
		"url": "https://cams.example/cameras/yard",
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if kind := trouble.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("it is %s", kind)
	}

	yard.become(camera.Live, camera.None)
	well := next(t, requests)
	verify(t, well)
	if !strings.Contains(string(well.body), `"type":"camera.well"`) || well.header.Get("Webhook-Id") == trouble.header.Get("Webhook-Id") {
		t.Errorf("got %s", well.body)
	}
	await(t, "both deliveries", func() bool { return counted(Delivered) == 2 })
	if counted(Delivered) != 2 || counted(Retried)+counted(Failed)+counted(Superseded) != 0 {
		t.Error("it counts otherwise")
	}
	for _, e := range log.All() {
		for _, v := range e.ContextMap() {
			if s, ok := v.(string); ok && strings.Contains(s, "canary") {
				t.Errorf("the log has its address: %v", e)
			}
		}
	}
}

// A receiver that is away gets the newest word when it is back, and attempts that fail are repeated as they were.
func TestReceiverAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	yard := &life{}
	yard.become(camera.Live, camera.None)
	counted, log := run(t, Options{URL: parse(t, "http://"+address+"/canary"), Cameras: yard.cameras})
	yard.become(camera.Offline, camera.Unreachable)
	await(t, "an attempt", func() bool { return counted(Retried) > 0 })
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	requests := make(chan received, 10)
	answers := []int{503, 200}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(answers[0])
		answers = answers[1:]
		requests <- received{r.Header, body}
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	first, second := next(t, requests), next(t, requests)
	verify(t, first)
	verify(t, second)
	if string(first.body) != string(second.body) || first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") {
		t.Error("another attempt is another message")
	}
	await(t, "the delivery", func() bool { return counted(Delivered) == 1 })
	for _, e := range log.FilterMessage("receiver fails").All() {
		if problem, _ := e.ContextMap()["problem"].(string); problem == "" || strings.Contains(problem, "canary") {
			t.Errorf("the log says %q", problem)
		}
	}
}

// A receiver that hangs delays no other one, and what waits for it does not grow.
func TestReceiverHangs(t *testing.T) {
	release := make(chan struct{})
	hanging, stuck := receive(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	good, requests := receive(t, fine)
	yard := &life{}
	yard.become(camera.Live, camera.None)
	counted, _ := run(t, Options{URL: hanging, Cameras: yard.cameras}, Options{URL: good, Cameras: yard.cameras})
	yard.become(camera.Offline, camera.Unreachable)
	next(t, stuck)
	next(t, requests)
	yard.become(camera.Live, camera.None)
	if r := next(t, requests); !strings.Contains(string(r.body), "camera.well") {
		t.Errorf("got %s", r.body)
	}
	await(t, "the newer one in the older's place", func() bool { return counted(Superseded) == 1 })
	if len(stuck) != 0 {
		t.Error("a second request while the first hangs")
	}
}

// Without the network: what is put into the queue, and when, by a clock of the test's.
func TestDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yard := &life{}
		w := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, Key: key, Cameras: yard.cameras, After: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.watch(ctx); close(done) }()
		for range 100 { // it comes and goes
			yard.become(camera.Live, camera.None)
			time.Sleep(5 * time.Second)
			yard.become(camera.Offline, camera.Timeout)
			time.Sleep(9 * time.Second)
		}
		synctest.Wait()
		if n := w.queue.len(); n != 0 {
			t.Errorf("%d notices of a camera that was never away for ten seconds", n)
		}
		begin := time.Now()
		l := w.queue.next(ctx) // the last trouble lasts
		if waited := time.Since(begin); l.condition != notify.Trouble || waited < time.Second || waited > 2*time.Second {
			t.Errorf("told of %s after %v", l.condition, waited+9*time.Second)
		}
		cancel()
		<-done
	})
}

// What is too old is given up, and what is not wanted is not sent.
func TestGivenUp(t *testing.T) {
	address, requests := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	yard := &life{}
	yard.become(camera.Live, camera.None)
	counted, _ := run(t,
		Options{URL: address, Cameras: yard.cameras, GiveUp: time.Nanosecond},
		Options{URL: address, Cameras: yard.cameras, Events: []notify.Condition{notify.Well}},
		Options{URL: address, Cameras: yard.cameras, Only: []string{"hall"}})
	yard.become(camera.Offline, camera.Unreachable)
	next(t, requests)
	await(t, "the end", func() bool { return counted(Failed) == 1 })
	if len(requests) != 0 || counted(Retried) != 0 {
		t.Error("more was sent")
	}
}

// A receiver that sends elsewhere is not followed.
func TestRedirect(t *testing.T) {
	elsewhere, strays := receive(t, fine)
	address, requests := receive(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.String(), http.StatusTemporaryRedirect)
	})
	yard := &life{}
	yard.become(camera.Live, camera.None)
	counted, _ := run(t, Options{URL: address, Cameras: yard.cameras})
	yard.become(camera.Offline, camera.Unreachable)
	next(t, requests)
	await(t, "the end", func() bool { return counted(Failed) == 1 })
	if len(strays) != 0 {
		t.Error("it was followed")
	}
}

// answers is a receiver by the test's own clock: it says when it was asked, and answers with the codes one after the other.
type answers struct {
	codes []int
	asked []time.Time
}

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	a.asked = append(a.asked, time.Now())
	code := a.codes[0]
	a.codes = a.codes[1:]
	return &http.Response{StatusCode: code, Body: http.NoBody}, nil
}

// Waits grow up to a limit, and begin anew once the receiver has answered well.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{codes: []int{500, 500, 500, 500, 500, 500, 500, 500, 500, 200, 500, 200}}
		w := New(Options{URL: &url.URL{Scheme: "http", Host: "h"}, Key: key, Cameras: func() []notify.Camera { return nil }})
		w.client.Transport = a
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.deliver(ctx); close(done) }()
		for range 2 {
			w.take(notify.Notice{Camera: "yard"}, time.Now())
			time.Sleep(50 * time.Minute)
		}
		cancel()
		<-done
		if len(a.codes) != 0 {
			t.Fatalf("%d answers were not asked for", len(a.codes))
		}
		within := func(i int, want time.Duration) {
			t.Helper()
			if wait := a.asked[i].Sub(a.asked[i-1]); wait < want*2/3 || wait > want*4/3 {
				t.Errorf("attempt %d came after %v, want about %v", i, wait, want)
			}
		}
		for i := 1; i < 10; i++ {
			within(i, min(time.Second<<(i-1), time.Minute))
		}
		within(11, time.Second)
	})
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		code  int
		after string
		ok    bool
		final bool
		wait  time.Duration
	}{
		{200, "", true, false, 0}, {204, "", true, false, 0}, {302, "", false, true, 0}, {400, "", false, true, 0}, {404, "", false, true, 0},
		{410, "", false, true, 0}, {408, "", false, false, 0}, {429, "7", false, false, 7 * time.Second}, {503, "99999999999", false, false, longestWait},
		{503, "-1", false, false, 0}, {500, "soon", false, false, 0},
	} {
		got := judge(&http.Response{StatusCode: c.code, Header: http.Header{"Retry-After": {c.after}}})
		if (got == nil) != c.ok || got != nil && (got.final != c.final || got.wait != c.wait) {
			t.Errorf("%d %s: got %+v", c.code, c.after, got)
		}
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
