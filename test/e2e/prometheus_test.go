package e2e

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"camd/internal/peer"
)

// A real Prometheus with the configuration that camd comes with finds the series that the README promises.
func TestPrometheus(t *testing.T) {
	d := start(t, options{config: healthy + "  - {id: broken, source: /dev/camd-has-no-such-device}\n"})
	d.reaches("healthy", "live")
	d.reaches("broken", "offline")
	for range 2 {
		v := watch(t, d.URL+"/cameras/healthy/stream.mjpg")
		go v.drain() // one that stops reading is cut
	}
	p := startPrometheus(t, d.URL)
	for query, want := range map[string]func(float64) bool{
		`up{job="camd"}`:                                                                         is(1),
		`camd_camera_up{camera="healthy"}`:                                                       is(1),
		`camd_camera_up{camera="broken"}`:                                                        is(0),
		`sum(camd_camera_state)`:                                                                 is(2),
		`sum(camd_viewers{camera="healthy"})`:                                                    is(2),
		`camd_camera_frames_per_second`:                                                          nil,
		`camd_camera_restarts_total{camera="broken",reason="no_device"} > 0`:                     nil,
		`camd_camera_frames_published_total{camera="healthy",rendition="main"} > 0`:              nil,
		`camd_viewer_frames_sent_total{camera="healthy",rendition="main",transport="http1"} > 0`: nil,
		`histogram_quantile(0.99, sum by (le) (rate(camd_viewer_frame_age_seconds_bucket{camera="healthy"}[10s])))`: func(v float64) bool { return v > 0 },
		`camd_capture_resident_memory_bytes{camera="healthy"}`:                                                      func(v float64) bool { return v > 1e6 },
		`camd_camera_frames_per_second{camera="healthy"}`:                                                           func(v float64) bool { return v > 1 && v < 20 },
		`camd_build_info`: is(1),
	} {
		var last string
		eventually(t, query, func() bool {
			v, ok := p.query(t, query)
			last = strconv.FormatFloat(v, 'g', -1, 64)
			return ok && (want == nil || want(v))
		})
		t.Logf("%s = %s", query, last)
	}
}

func is(want float64) func(float64) bool { return func(v float64) bool { return v == want } }

func TestMetricsAreClean(t *testing.T) {
	d := start(t, options{config: healthy + "  - {id: broken, source: /dev/camd-has-no-such-device}\n"})
	_, _, before := get(t, d.URL+"/metrics")
	d.reaches("healthy", "live")
	d.reaches("broken", "offline")
	watch(t, d.URL+"/cameras/healthy/stream.mjpg").next("a picture", live)
	_, _, after := get(t, d.URL+"/metrics")
	for _, text := range [][]byte{before, after} {
		cmd := exec.Command(peer.Need(t, "promtool", "prometheus"), "check", "metrics")
		cmd.Stdin = strings.NewReader(string(text))
		if o := finish(t, cmd); o.code != 0 || o.stdout+o.stderr != "" {
			t.Errorf("%+v", o)
		}
	}
	// Every series is there from the start.
	for name := range series(after) {
		if !series(before)[name] && strings.HasPrefix(name, "camd_") && !strings.HasPrefix(name, "camd_camera_info{") {
			t.Errorf("%s came later", name)
		}
	}
}

// metric returns the value of one series of /metrics.
func (d *daemon) metric(series string) float64 {
	d.t.Helper()
	_, _, text := get(d.t, d.URL+"/metrics")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				d.t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	d.t.Fatalf("no %s in /metrics", series)
	return 0
}

func series(text []byte) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if i := strings.LastIndex(line, " "); i > 0 && line[0] != '#' {
			found[line[:i]] = true
		}
	}
	return found
}

type prometheus struct{ url string }

// startPrometheus runs a Prometheus that watches the daemon at target, every second rather than as configured.
func startPrometheus(t *testing.T, target string) prometheus {
	t.Helper()
	path := peer.Need(t, "prometheus", "prometheus")
	config := string(read(t, "../../deploy/prometheus/prometheus.yml"))
	for old, new := range map[string]string{"127.0.0.1:8080": strings.TrimPrefix(target, "http://"), "scrape_interval: 5s": "scrape_interval: 1s"} {
		if !strings.Contains(config, old) {
			t.Fatalf("%q is not in prometheus.yml", old)
		}
		config = strings.Replace(config, old, new, 1)
	}
	dir := t.TempDir()
	address := "127.0.0.1:" + itoa(peer.FreePort(t))
	cmd := exec.Command(path, "--config.file", write(t, dir, "prometheus.yml", config), "--storage.tsdb.path", dir+"/data", "--web.listen-address", address)
	background(t, cmd)
	p := prometheus{"http://" + address}
	eventually(t, "prometheus", func() bool {
		answer, err := client.Get(p.url + "/-/ready")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil && answer.StatusCode == 200
	})
	return p
}

// query returns the value of the first series that answers.
func (p prometheus) query(t *testing.T, query string) (float64, bool) {
	t.Helper()
	_, _, body := get(t, p.url+"/api/v1/query?query="+url.QueryEscape(query))
	var r struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal(body, &r); err != nil || len(r.Data.Result) == 0 {
		return 0, false
	}
	s, _ := r.Data.Result[0].Value[1].(string)
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}
