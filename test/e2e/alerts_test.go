package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// notice is the body of a webhook.
type notice struct {
	Type string
	Data struct {
		Version             int
		Site, Camera, Title string
		State, Reason, URL  string
		ReasonText          string `json:"reason_text"`
		Previous            *struct{ State string }
	}
}

// serveWebhook serves a receiver of webhooks, which refuses requests without a valid signature.
func serveWebhook(t *testing.T, key []byte) (url string, notices <-chan notice) {
	got := make(chan notice, 100)
	return serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var n notice
		if err := json.Unmarshal(body, &n); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		got <- n
	})), got
}

func (d *daemon) waitForNotice(notices <-chan notice, kind, camera string) notice {
	d.t.Helper()
	select {
	case n := <-notices:
		if n.Type != kind || n.Data.Camera != camera {
			d.t.Fatalf("got %+v, want %s of %s", n, kind, camera)
		}
		return n
	case <-time.After(testTimeout):
		d.t.Fatalf("waited %v for the notice %s of %s", testTimeout, kind, camera)
		return notice{}
	}
}

// Each receiver gets its notices, although one receiver hangs: a file is removed and restored, a capture process is killed, MQTT turns
// a camera off, and the daemon stops.
func TestNoticesReachEveryReceiver(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte("k"), 32)
	url, notices := serveWebhook(t, key)
	release := make(chan struct{})
	hanging := serveHTTP(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release) })
	broker := testpeer.ServeMQTT(t, "camd", "broker-pass", "")

	dir := t.TempDir()
	clip := write(t, dir, "clip.avi", string(readFile(t, mjpegClip.Make(t))))
	write(t, dir, "hook", base64.StdEncoding.EncodeToString(key)+"\n")
	write(t, dir, "broker", "broker-pass\n")
	d := start(t, options{config: fmt.Sprintf(`
write_timeout: 10m
site: barn
public_url: https://cams.example/
state_dir: %[1]s
cameras:
  - {id: clip, title: The clip, source: %[2]s, stall_timeout: 2m}
  - {id: hall, source: 'test://?size=320x180&fps=10', stall_timeout: 2m}
webhooks:
  - {url: %[3]s, secret_file: %[1]s/hook, after: 3s}
  - {url: %[4]s, secret_file: %[1]s/hook, after: 0s, timeout: 5m}
mqtt: {url: 'mqtt://%[5]s', user: camd, password_file: %[1]s/broker, snapshots: 1s, switches: true, after: 3s}
`, dir, clip, url, hanging, broker.Address)})
	const after = 3 * time.Second // as configured
	d.waitForState("clip", "live")
	d.waitForState("hall", "live")
	if n := d.metric(`camd_notifications_total{receiver_kind="webhook",result="delivered"}`); n != 0 {
		t.Errorf("%v notices before a camera had changed", n)
	}
	view := func(id string) (s struct {
		State, Site string
		Trouble     bool
		Viewers     int
	}) {
		_ = json.Unmarshal(broker.Retained()["camd/"+id+"/state"], &s)
		return s
	}

	// A camera that is live again within "after" causes no notice. On a busy machine it may take longer.
	killed := d.signalWorker("hall", syscall.SIGKILL)
	d.waitForCamera("hall", "live again", func(s state) bool { return s.State == "live" && s.Worker.PID != 0 && s.Worker.PID != killed })
	late := d.lastOutage("hall") >= after
	if late {
		d.waitForNotice(notices, "camera.trouble", "hall")
		d.waitForNotice(notices, "camera.well", "hall")
	}

	movedClip := filepath.Join(dir, "away")
	if err := os.Rename(clip, movedClip); err != nil {
		t.Fatal(err)
	}
	n := d.waitForNotice(notices, "camera.trouble", "clip")
	if x := n.Data; x.Version != 1 || x.Site != "barn" || x.Title != "The clip" || x.State != "offline" || x.Reason != "no_device" ||
		x.ReasonText != "the device or file does not exist" || x.URL != "https://cams.example/cameras/clip" || x.Previous == nil || x.Previous.State != "live" {
		t.Errorf("got %+v", n)
	}
	eventually(t, "the broker to have the trouble", func() bool { s := view("clip"); return s.State == "offline" && s.Trouble && s.Site == "barn" })
	if err := os.Rename(movedClip, clip); err != nil {
		t.Fatal(err)
	}
	d.waitForNotice(notices, "camera.well", "clip")
	eventually(t, "the broker to have the live state", func() bool { s := view("clip"); return s.State == "live" && !s.Trouble })

	v := watch(t, d.URL+"/cameras/hall/stream.mjpg")
	if _, err := v.read(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a viewer at the broker, and a picture", func() bool {
		picture, err := jpeg.DecodeConfig(bytes.NewReader(broker.Retained()["camd/hall/snapshot"]))
		return view("hall").Viewers == 1 && err == nil && picture.Width == 320
	})
	if len(broker.Retained()["homeassistant/device/camd_hall/config"]) == 0 {
		t.Error("the broker has no discovery message for Home Assistant")
	}

	broker.Publish("camd/hall/set", "OFF", false)
	d.waitForState("hall", "paused")
	d.waitForNotice(notices, "camera.paused", "hall")
	eventually(t, "the broker to have the paused state", func() bool { return view("hall").State == "paused" })
	if kept := string(readFile(t, filepath.Join(dir, "cameras.json"))); !strings.Contains(kept, "hall") {
		t.Errorf("the state directory does not have that the camera is off: %s", kept)
	}
	d.waitForState("clip", "live")
	want := 3.0
	if late {
		want = 5
	}
	delivered := 0.0
	eventually(t, "the notices to be counted", func() bool { // a notice is counted when its receiver has answered
		delivered = d.metric(`camd_notifications_total{receiver_kind="webhook",result="delivered"}`)
		return delivered >= want
	})
	if delivered > want {
		t.Errorf("%v notices were delivered, want %v", delivered, want)
	}
	if sent := d.metric(`camd_notifications_total{receiver_kind="mqtt",result="delivered"}`); sent < 5 {
		t.Errorf("%v messages to the broker", sent)
	}
	if code, _ := d.stop(); code != 0 { // without waiting for the receiver that hangs
		t.Errorf("camd ended with %d while a receiver hung, want 0", code)
	}
	eventually(t, "the status offline", func() bool { return string(broker.Retained()["camd/status"]) == "offline" })
}

// lastOutage returns how long the last outage of a live camera was.
func (d *daemon) lastOutage(id string) time.Duration {
	d.t.Helper()
	var past struct{ States []state } // the newest first
	d.getJSON("/api/v1/cameras/"+id+"/history", &past)
	i := slices.IndexFunc(past.States[1:], func(s state) bool { return s.State == "live" })
	if past.States[0].State != "live" || i < 0 {
		d.t.Fatalf("camera %s has no outage between two live states: %+v", id, past.States)
	}
	return past.States[0].Since.Sub(*past.States[i].Since) // the state after the last live one
}

// The broker publishes the last will of a killed camd, but not if another camd has taken its place.
func TestMQTTLastWillReportsKilledDaemon(t *testing.T) {
	t.Parallel()
	broker := testpeer.ServeMQTT(t, "camd", "broker-pass", "")
	o := options{config: healthyCamera + "mqtt: {url: 'mqtt://" + broker.Address + "', user: camd, password: broker-pass}\n"}
	hung := launch(t, o)
	online := func() bool { return string(broker.Retained()["camd/status"]) == "online" }
	eventually(t, "camd at the broker", online)
	_ = hung.cmd.Process.Signal(syscall.SIGSTOP) // its connection stays open
	d := launch(t, o)
	eventually(t, "the next camd at the broker", func() bool { return strings.Contains(d.stderr.String(), `"mqtt connected"`) && online() })
	_ = hung.cmd.Process.Kill()
	<-hung.exited
	broker.Publish("test/marker", "x", true)
	eventually(t, "a message after the kill", func() bool { return len(broker.Retained()["test/marker"]) > 0 })
	eventually(t, "the status of the other camd", online) // offline would stay
	_ = d.cmd.Process.Kill()
	<-d.exited
	eventually(t, "the will", func() bool { return string(broker.Retained()["camd/status"]) == "offline" })
}
