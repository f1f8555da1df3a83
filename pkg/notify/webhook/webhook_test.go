package webhook

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/notify"
)

func TestNoticesAreDeliveredSigned(t *testing.T) {
	address, requests := serveReceiver(t, accept)
	yard := &fakeCamera{}
	yard.setState(camera.Live, camera.None)
	counted, log := runWebhooks(t, Options{URL: address, Cameras: yard.cameras, Dashboard: "https://cams.example"})
	yard.setState(camera.Offline, camera.Unreachable)
	trouble := nextRequest(t, requests)
	verify(t, trouble)
	since := yard.history()[0].Since
	var got map[string]any
	if err := json.Unmarshal(trouble.body, &got); err != nil {
		t.Fatalf("%s: %v", trouble.body, err)
	}
	stamp, err := time.Parse(time.RFC3339, got["timestamp"].(string))
	if err != nil || time.Since(stamp) > testTimeout {
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
		t.Errorf("got content type %s", kind)
	}

	yard.setState(camera.Live, camera.None)
	well := nextRequest(t, requests)
	verify(t, well)
	if !strings.Contains(string(well.body), `"type":"camera.well"`) || well.header.Get("Webhook-Id") == trouble.header.Get("Webhook-Id") {
		t.Errorf("got %s", well.body)
	}
	testrun.WaitFor(t, "both deliveries", func() bool { return counted(Delivered) == 2 })
	if counted(Delivered) != 2 || counted(Retried)+counted(Failed)+counted(Superseded) != 0 {
		t.Error("unexpected counts")
	}
	for _, e := range log.All() {
		for _, v := range e.ContextMap() {
			if s, ok := v.(string); ok && strings.Contains(s, "canary") {
				t.Errorf("the log contains the receiver's address: %v", e)
			}
		}
	}
}

// A receiver that was down gets the newest notice when it returns. Failed attempts are repeated with the same bytes.
func TestDeliveryIsRetriedUntilReceiverReturns(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	yard := &fakeCamera{}
	yard.setState(camera.Live, camera.None)
	counted, log := runWebhooks(t, Options{URL: parse(t, "http://"+address+"/canary"), Cameras: yard.cameras})
	yard.setState(camera.Offline, camera.Unreachable)
	testrun.WaitFor(t, "an attempt", func() bool { return counted(Retried) > 0 })
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	requests := make(chan request, 10)
	answers := []int{503, 200}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(answers[0])
		answers = answers[1:]
		requests <- request{r.Header, body}
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	first, second := nextRequest(t, requests), nextRequest(t, requests)
	verify(t, first)
	verify(t, second)
	if string(first.body) != string(second.body) || first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") {
		t.Error("another attempt has another id or body")
	}
	testrun.WaitFor(t, "the delivery", func() bool { return counted(Delivered) == 1 })
	for _, e := range log.FilterMessage("notice delivery failed").All() {
		if problem, _ := e.ContextMap()["problem"].(string); problem == "" || strings.Contains(problem, "canary") {
			t.Errorf("got problem %q", problem)
		}
	}
}

// A receiver that hangs delays no other one, and its queue does not grow.
func TestHangingReceiverDelaysNoOther(t *testing.T) {
	release := make(chan struct{})
	hanging, stuck := serveReceiver(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	good, requests := serveReceiver(t, accept)
	yard := &fakeCamera{}
	yard.setState(camera.Live, camera.None)
	counted, _ := runWebhooks(t, Options{URL: hanging, Cameras: yard.cameras}, Options{URL: good, Cameras: yard.cameras})
	yard.setState(camera.Offline, camera.Unreachable)
	nextRequest(t, stuck)
	nextRequest(t, requests)
	yard.setState(camera.Live, camera.None)
	if r := nextRequest(t, requests); !strings.Contains(string(r.body), "camera.well") {
		t.Errorf("got %s", r.body)
	}
	testrun.WaitFor(t, "the superseded notice", func() bool { return counted(Superseded) == 1 })
	if len(stuck) != 0 {
		t.Error("a second request while the first hangs")
	}
}

// A notice that is too old is given up, and a notice that the filters exclude is not sent.
func TestExpiredAndUnwantedNoticesAreNotSent(t *testing.T) {
	address, requests := serveReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	yard := &fakeCamera{}
	yard.setState(camera.Live, camera.None)
	counted, _ := runWebhooks(t,
		Options{URL: address, Cameras: yard.cameras, GiveUp: time.Nanosecond},
		Options{URL: address, Cameras: yard.cameras, Events: []notify.Condition{notify.Healthy}},
		Options{URL: address, Cameras: yard.cameras, CameraIDs: []string{"hall"}})
	yard.setState(camera.Offline, camera.Unreachable)
	nextRequest(t, requests)
	testrun.WaitFor(t, "the failed notice", func() bool { return counted(Failed) == 1 })
	if len(requests) != 0 || counted(Retried) != 0 {
		t.Error("an excluded notice was sent")
	}
}

// Redirects are not followed.
func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere, strays := serveReceiver(t, accept)
	address, requests := serveReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.String(), http.StatusTemporaryRedirect)
	})
	yard := &fakeCamera{}
	yard.setState(camera.Live, camera.None)
	counted, _ := runWebhooks(t, Options{URL: address, Cameras: yard.cameras})
	yard.setState(camera.Offline, camera.Unreachable)
	nextRequest(t, requests)
	testrun.WaitFor(t, "the failed notice", func() bool { return counted(Failed) == 1 })
	if len(strays) != 0 {
		t.Error("the redirect was followed")
	}
}
