package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
)

// emptyWhenHealthy has the panels, or their queries, that are empty on a healthy system, and the reason.
var emptyWhenHealthy = map[string]string{
	"Cameras B":                  "there is no reason, so the table lacks a column",
	"Why cameras were not live":  "there is no reason",
	"Firing alerts":              "no alert fires",
	"Restarts by reason":         "of nineteen reasons only those that there were are shown",
	"Refused pictures by reason": "only causes that there were are shown",
}

// On a healthy system every panel of Grafana's dashboard shows something, except those that show problems.
func TestGrafanaPanelsShowHealthySystem(t *testing.T) {
	t.Parallel()
	bus := busConfig(natsCluster(t, 1)[0], "")
	d := start(t, options{config: bus + "site: north\n" + strings.TrimPrefix(healthyCamera, longWriteTimeout) + videoCameraEntry(t)})
	d.waitForState("healthy", "live")
	d.waitForCamera("tower", "sending video", func(s state) bool { return s.sendsVideo("video") })
	relay := startRelay(t, bus)
	relay.waitForCameras("north.healthy", "north.tower")
	go watch(t, d.URL+"/cameras/healthy/stream.mjpg").drain()
	go watch(t, d.URL+"/cameras/tower/stream.mjpg").drain() // a decoder runs
	go watch(t, relay.URL+"/cameras/north.healthy/stream.mjpg").drain()
	p := startPrometheus(t, []string{d.URL, relay.URL})
	for _, direction := range []string{"out", "in"} {
		p.checkPanel(t, panelQuery{"pictures over the bus", `rate(camd_bus_frames_total{direction="` + direction + `"}[10s]) > 0`})
	}
	found := map[string]bool{}
	for _, q := range readGrafanaDashboard(t).queries(t) {
		found[q.panel] = true
		switch {
		case emptyWhenHealthy[q.panel] == "":
			p.checkPanel(t, q)
		case !strings.HasPrefix(q.expr, "max by (alertname"): // on a busy machine pictures are late, and an alert fires
			eventually(t, "nothing in "+q.panel, func() bool { return len(p.queryAll(t, q.expr)) == 0 })
		}
	}
	for title := range emptyWhenHealthy {
		if !found[title] {
			t.Errorf("the dashboard has no panel %q", title)
		}
	}
}

// checkPanel waits until a query has a result.
func (p prometheus) checkPanel(t *testing.T, q panelQuery) {
	t.Helper()
	eventually(t, q.panel+": "+q.expr, func() bool {
		for _, s := range p.queryAll(t, q.expr) {
			if !math.IsNaN(s.value) {
				return true
			}
		}
		return false
	})
}

// faultyConfig is a configuration with as many faults as possible on one machine.
const faultyConfig = `
site: north
bus: {servers: ['nats://127.0.0.1:1']}
limits: {viewers_per_camera: 2}
write_timeout: 3s
webhooks: [{url: 'http://127.0.0.1:1/', secret_file: %q, after: 5s, retry_for: 1s}]
cameras:
  - {id: healthy, source: 'test://?size=320x180&fps=15'}
  - {id: crashing, source: 'test://?size=320x180&fps=15'}
  - {id: large, source: 'test://?size=1920x1080&fps=20', quality: 100}
  - {id: broken, source: /dev/camd-has-no-such-device}
  - {id: damaged, source: %q}
  - {id: still, source: %q, frozen_timeout: 1s}
%s`

// With these faults every panel shows something, and the alerts fire with readable texts.
func TestGrafanaPanelsAndAlertsShowFaults(t *testing.T) {
	t.Parallel()
	clip := mjpegClip.Make(t)
	half, whole := readFile(t, truncateFirstPicture(t, clip, 0.5)), readFile(t, truncateFirstPicture(t, clip, 1))
	damaged := write(t, t.TempDir(), "damaged.mjpeg", strings.Repeat(string(half)+string(whole), 50))
	still := serveHTTP(t, servePictureTimes(blankJPEG(t), 1<<20))
	d := start(t, options{config: fmt.Sprintf(faultyConfig, write(t, t.TempDir(), "hook", strings.Repeat("aa", 24)), damaged, still, videoCameraEntry(t))})
	dead := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	certificate, metricsAddress := testpeer.Certificate{}.Make(t), fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	start(t, options{config: fmt.Sprintf("metrics_listen: %s\ntls: {certificate: %s, key: %s}\n", metricsAddress, certificate.File, certificate.Key) + healthyCamera})
	p := startPrometheus(t, []string{d.URL, dead, metricsAddress}) // the third has the metrics of TLS
	eventually(t, "the first scrape", func() bool { return len(p.queryAll(t, `camd_camera_up{camera="large"}`)) > 0 })
	d.startProblemViewers(t)
	go watch(t, d.URL+"/cameras/tower/stream.mjpg").drain() // a decoder runs
	for n := range 8 {
		d.waitForCamera("crashing", "live again", func(s state) bool {
			return s.State == "live" && s.Counts.Restarts["worker_crashed"] == uint64(n)
		})
		d.signalWorker("crashing", syscall.SIGKILL)
	}
	for _, alert := range []string{
		`alertname="CamdCameraOffline",camera="broken"`, `alertname="CamdCameraFrozen",camera="still"`,
		`alertname="CamdFramesRefused",camera="damaged"`, `alertname="CamdCaptureRestarts",camera="crashing"`,
		`alertname="CamdViewersDropFrames",camera="large"`, `alertname="CamdViewersRefused",reason="viewers_per_camera"`,
		`alertname="CamdNotificationsFail",receiver_kind="webhook"`,
		`alertname="CamdDown",instance="` + dead + `"`,
	} {
		p.checkPanel(t, panelQuery{"alert", "ALERTS{alertstate=\"firing\"," + alert + "}"})
	}
	for _, q := range readGrafanaDashboard(t).queries(t) {
		p.checkPanel(t, q)
	}
	p.checkRuleMetrics(t)
	p.checkAlerts(t, map[string]string{"broken": "Reason: no_device.", "still": "exactly the same picture", "large": "/api/v1/viewers"})
	for _, quiet := range []string{"CamdCaptureMemory", "CamdFileDescriptors", "CamdRestarts", "CamdReloadFailed", "CamdPicturesStale"} {
		if told := p.queryAll(t, `ALERTS{alertname="`+quiet+`"}`); len(told) > 0 {
			t.Errorf("an alert fires without a fault: %v", told)
		}
	}
}

// startProblemViewers starts viewers of every kind: two that keep up, one that asks for few pictures, a slow one, one that reads nothing
// and is cut, and one above the limit.
func (d *daemon) startProblemViewers(t *testing.T) {
	t.Helper()
	for _, id := range []string{"healthy", "crashing", "large"} {
		d.waitForState(id, "live")
	}
	go watch(t, d.URL+"/cameras/healthy/stream.mjpg").drain()
	go watch(t, d.URL+"/cameras/healthy/stream.mjpg?fps=5").drain()
	eventually(t, "two viewers", func() bool { return len(d.viewers("?camera=healthy")) == 2 })
	if code, _, _ := get(t, d.URL+"/cameras/healthy/stream.mjpg"); code != http.StatusServiceUnavailable {
		t.Fatalf("the third viewer of a camera that may have two: %d", code)
	}
	d.watchWall(t, "crashing")
	readSlowly(t, d.URL, "/cameras/large/stream.mjpg", "slow/1.0")
	d.openUnreadStream(t, "/cameras/large/stream.mjpg")
	eventually(t, "the viewer that reads nothing to be cut", func() bool { // on a busy machine the slow one, too
		return d.metric(`camd_viewers_cut_total{camera="large",reason="write_timeout"}`) >= 1
	})
}

// checkRuleMetrics checks that all metrics exist that the rules read.
func (p prometheus) checkRuleMetrics(t *testing.T) {
	t.Helper()
	for _, r := range readRules(t) {
		for _, m := range selectors.FindAllStringSubmatch(r.Expr, -1) {
			p.checkPanel(t, panelQuery{r.Alert + r.Record, m[0]})
		}
	}
}

// checkAlerts checks the texts of alerts. want has a part of a text for each camera.
func (p prometheus) checkAlerts(t *testing.T, want map[string]string) {
	t.Helper()
	var r struct {
		Data struct {
			Alerts []struct{ Labels, Annotations map[string]string }
		}
	}
	_, _, body := get(t, p.url+"/api/v1/alerts")
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Data.Alerts {
		text := a.Annotations["summary"] + "\n" + a.Annotations["description"]
		t.Logf("%s: %s", a.Labels["severity"], text)
		if strings.ContainsAny(text, "{}<>") || a.Annotations["summary"] == "" || a.Labels["severity"] == "" {
			t.Errorf("the text of %v: %q", a.Labels, text)
		}
		if strings.Contains(text, want[a.Labels["camera"]]) {
			delete(want, a.Labels["camera"])
		}
	}
	for camera, text := range want {
		t.Errorf("no alert says %q for camera %s", text, camera)
	}
}

// blankJPEG returns a black picture.
func blankJPEG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 176)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
