package e2e

import (
	"context"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// During abuse a viewer gets pictures in order on one connection, the camera is not restarted, other requests are answered, and
// nothing leaks.
func TestAbuseDisturbsNoViewer(t *testing.T) {
	i := testpeer.Certificate{}.Make(t)
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "tls"}[secure], func(t *testing.T) {
			t.Parallel() // an attack waits long for headers
			certificate := ""
			if secure {
				certificate = "tls: {certificate: " + i.File + ", key: " + i.Key + "}\n"
			}
			d := startAbuseTarget(t, certificate)
			w := d.startStreamChecker("a")
			before := d.resourceUsage()
			for _, a := range attacks {
				if a.needsTLS != secure {
					continue
				}
				t.Run(a.name, func(t *testing.T) {
					a.run(context.Background(), d, a.testCount)
					if code, _, _ := get(t, d.URL+"/healthz"); code != 200 {
						t.Errorf("healthz: %d", code)
					}
					w.checkUndisturbed()
				})
			}
			d.checkReleased(before)
			d.checkRefusalMetrics(secure)
		})
	}
}

// checkReleased waits until the daemon holds no more than before.
func (d *daemon) checkReleased(before resourceUsage) {
	d.t.Helper()
	var after resourceUsage
	eventually(d.t, "resources to be released", func() bool {
		after = d.resourceUsage()
		return after.descriptors <= before.descriptors && after.goroutines <= before.goroutines+5
	})
	d.t.Logf("before %+v, after %+v", before, after)
	if after.resident > before.resident+100e6 {
		d.t.Errorf("resident memory grew from %.1f to %.1f MB", before.resident/1e6, after.resident/1e6)
	}
	for id, s := range d.cameras() {
		if s.State != "live" {
			d.t.Errorf("camera %s is %s", id, s.State)
		}
	}
	_, _, text := get(d.t, d.URL+"/metrics")
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "camd_camera_restarts_total{") && !strings.HasSuffix(line, " 0\n") {
			d.t.Errorf("a camera restarted: %s", line)
		}
	}
}

// checkRefusalMetrics checks that the metrics count refused requests.
func (d *daemon) checkRefusalMetrics(secure bool) {
	d.t.Helper()
	want := []string{`camd_connections_displaced_total{reason="connections"}`, `camd_requests_refused_total{reason="body"}`, `camd_requests_refused_total{reason="messages"}`}
	if secure {
		want = []string{`camd_connections_displaced_total{reason="connections"}`, `camd_requests_refused_total{reason="http2_streams"}`}
	}
	for _, series := range want {
		if d.metric(series) == 0 {
			d.t.Errorf("%s is 0", series)
		}
	}
	_, _, text := get(d.t, d.URL+"/metrics")
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "camd_connections") || strings.HasPrefix(line, "camd_requests_refused") {
			d.t.Log(strings.TrimSpace(line))
		}
	}
}
