package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/camera"
	"camd/pkg/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds every wait.
const testTimeout = 2 * time.Minute

var key = []byte("0123456789abcdef0123456789abcdef")

// fakeCamera is a camera with a history from a test.
type fakeCamera struct {
	mu      sync.Mutex
	changes []camera.StateChange // newest first
}

func (f *fakeCamera) setState(s camera.State, r camera.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = slices.Insert(f.changes, 0, camera.StateChange{State: s, Reason: r, Detail: "what exactly", Since: time.Now()})
}

func (f *fakeCamera) history() []camera.StateChange {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.changes)
}

func (f *fakeCamera) cameras() []notify.Camera {
	return []notify.Camera{{ID: "yard", Title: "The yard", History: f.history}}
}

// runWebhooks runs webhooks until the test ends. counted returns the count of each result, for all of them together.
func runWebhooks(t *testing.T, options ...Options) (counted func(Result) int, log *observer.ObservedLogs) {
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

// request is a request that a receiver got.
type request struct {
	header http.Header
	body   []byte
}

// serveReceiver serves until the test ends. The requests go to the channel, and answer answers them.
func serveReceiver(t *testing.T, answer http.HandlerFunc) (*url.URL, <-chan request) {
	t.Helper()
	requests := make(chan request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- request{r.Header, body}
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

func nextRequest(t *testing.T, requests <-chan request) request {
	t.Helper()
	select {
	case r := <-requests:
		return r
	case <-time.After(testTimeout):
		t.Fatal("no request arrived")
		return request{}
	}
}

func accept(http.ResponseWriter, *http.Request) {}

// verify checks a signature as the specification says, without its library.
func verify(t *testing.T, r request) {
	t.Helper()
	id, stamp := r.header.Get("Webhook-Id"), r.header.Get("Webhook-Timestamp")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + string(r.body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := r.header.Get("Webhook-Signature"); id == "" || !hmac.Equal([]byte(got), []byte(want)) {
		t.Errorf("id %q, signature %q, want %q", id, got, want)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Second || age > testTimeout {
		t.Errorf("timestamp %q is %v old, %v", stamp, age, err)
	}
}
