package e2e

import (
	"encoding/json"
	"maps"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// A real Prometheus with camd's example configuration scrapes the series that docs/metrics.md lists.
func TestPrometheusScrapesPromisedSeries(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera + "  - {id: broken, source: /dev/camd-has-no-such-device}\n"})
	d.waitForState("healthy", "live")
	d.waitForState("broken", "offline")
	for range 2 {
		v := watch(t, d.URL+"/cameras/healthy/stream.mjpg")
		go v.drain() // camd disconnects a viewer that stops reading
	}
	p := startPrometheus(t, []string{d.URL})
	for query, want := range map[string]func(float64) bool{
		`up{job="camd"}`:                                                                         equals(1),
		`camd_camera_up{camera="healthy"}`:                                                       equals(1),
		`camd_camera_up{camera="broken"}`:                                                        equals(0),
		`sum(camd_camera_state)`:                                                                 equals(2),
		`sum(camd_viewers{camera="healthy"})`:                                                    equals(2),
		`camd_camera_frames_per_second`:                                                          nil,
		`camd_camera_restarts_total{camera="broken",reason="no_device"} > 0`:                     nil,
		`camd_camera_frames_published_total{camera="healthy",rendition="main"} > 0`:              nil,
		`camd_viewer_frames_sent_total{camera="healthy",rendition="main",transport="http1"} > 0`: nil,
		`histogram_quantile(0.99, sum by (le) (rate(camd_viewer_frame_age_seconds_bucket{camera="healthy"}[10s])))`: func(v float64) bool { return v > 0 },
		`camd_capture_resident_memory_bytes{camera="healthy"}`:                                                      func(v float64) bool { return v > 1e6 },
		`camd_camera_frames_per_second{camera="healthy"}`:                                                           func(v float64) bool { return v > 1 && v < 20 },
		`camd_build_info`: equals(1),
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

// A Prometheus with native histograms gets those, without the classic buckets.
func TestPrometheusScrapesNativeHistograms(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera})
	go watch(t, d.URL+"/cameras/healthy/stream.mjpg").drain()
	p := startPrometheus(t, []string{d.URL}, "--enable-feature=native-histograms")
	for _, metric := range []string{"camd_viewer_frame_age_seconds", "camd_camera_publish_delay_seconds", "camd_camera_encode_duration_seconds"} {
		query := `histogram_quantile(0.5, rate(` + metric + `{camera="healthy",rendition="main"}[10s]))`
		eventually(t, query, func() bool {
			v, ok := p.query(t, query)
			return ok && v > 0
		})
	}
	if n := len(p.queryAll(t, `camd_viewer_frame_age_seconds_bucket`)); n != 0 {
		t.Errorf("%d classic buckets, want native histograms", n)
	}
}

func equals(want float64) func(float64) bool { return func(v float64) bool { return v == want } }

func TestMetricsPassPromtool(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera + "  - {id: broken, source: /dev/camd-has-no-such-device}\n"})
	_, _, before := get(t, d.URL+"/metrics")
	d.waitForState("healthy", "live")
	d.waitForState("broken", "offline")
	watch(t, d.URL+"/cameras/healthy/stream.mjpg").waitFor("a picture", isLive)
	_, _, after := get(t, d.URL+"/metrics")
	for _, text := range [][]byte{before, after} {
		cmd := exec.Command(testpeer.RequireProgram(t, "promtool", "prometheus"), "check", "metrics")
		cmd.Stdin = strings.NewReader(string(text))
		if o := runCommand(t, cmd); o.code != 0 || o.stdout+o.stderr != "" {
			t.Errorf("%+v", o)
		}
	}
	// Every series exists from the start.
	for name := range seriesNames(after) {
		if !seriesNames(before)[name] && strings.HasPrefix(name, "camd_") && !strings.HasPrefix(name, "camd_camera_info{") {
			t.Errorf("%s did not exist from the start", name)
		}
	}
}

// metric returns the value of one series of /metrics.
func (d *daemon) metric(series string) float64 {
	d.t.Helper()
	code, _, text := get(d.t, d.URL+"/metrics")
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				d.t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	d.t.Fatalf("no %s in /metrics, status %d: %.500s", series, code, text)
	return 0
}

func seriesNames(text []byte) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if i := strings.LastIndex(line, " "); i > 0 && line[0] != '#' {
			found[line[:i]] = true
		}
	}
	return found
}

type prometheus struct{ url string }

var schemes = regexp.MustCompile("https?://")

// forPattern matches how long a condition must hold before an alert fires. The tests set it to 0.
var forPattern = regexp.MustCompile(`(?m)^( +for:) \w+$`)

// With the lines in the comments of prometheus.yml, Prometheus scrapes a camd with TLS and tokens.
func TestPrometheusScrapesOverTLSWithToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token := camd(t, "new-token")
	write(t, dir, "camd.token", token.stdout)
	d := start(t, options{config: "tls: {self_signed: true}\nstate_dir: " + dir + "\nauth: {tokens: {prometheus: {role: metrics, token_file: " + dir + "/camd.token}}}\n" + healthyCamera})
	if o := run(t, testpeer.RequireProgram(t, "openssl", "openssl"), "x509", "-in", dir+"/self-signed.pem", "-out", dir+"/camd.pem"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	p := startEditedPrometheus(t, []string{d.URL}, map[string]string{
		"# authorization: {credentials_file: /etc/prometheus/camd.token}": "authorization: {credentials_file: " + dir + "/camd.token}",
		"# scheme: https": "scheme: https",
		"# tls_config: {ca_file: /etc/prometheus/camd.pem}": "tls_config: {ca_file: " + dir + "/camd.pem}",
	})
	eventually(t, "a scrape", func() bool {
		v, ok := p.query(t, `up{job="camd"}`)
		return ok && v == 1
	})
}

// startPrometheus runs a Prometheus with camd's configuration and rules. It scrapes the daemons at targets every second, and its alerts
// fire at once.
func startPrometheus(t *testing.T, targets []string, args ...string) prometheus {
	t.Helper()
	return startEditedPrometheus(t, targets, nil, args...)
}

// startEditedPrometheus is startPrometheus with other texts of the configuration replaced.
func startEditedPrometheus(t *testing.T, targets []string, edits map[string]string, args ...string) prometheus {
	t.Helper()
	path := testpeer.RequireProgram(t, "prometheus", "prometheus")
	config := string(readFile(t, "../../deploy/prometheus/prometheus.yml"))
	all := map[string]string{
		`["127.0.0.1:8080"]`:   `["` + schemes.ReplaceAllString(strings.Join(targets, `", "`), "") + `"]`,
		"scrape_interval: 10s": "scrape_interval: 1s", "evaluation_interval: 15s": "evaluation_interval: 1s",
	}
	maps.Copy(all, edits)
	for old, new := range all {
		if !strings.Contains(config, old) {
			t.Fatalf("%q is not in prometheus.yml", old)
		}
		config = strings.Replace(config, old, new, 1)
	}
	dir := t.TempDir()
	write(t, dir, "rules.yml", forPattern.ReplaceAllString(string(readFile(t, "../../deploy/prometheus/rules.yml")), "$1 0s"))
	address := "127.0.0.1:" + itoa(testpeer.FreePort(t))
	cmd := exec.Command(path, append(args, "--config.file", write(t, dir, "prometheus.yml", config),
		"--storage.tsdb.path", dir+"/data", "--web.listen-address", address)...)
	startBackground(t, cmd)
	p := prometheus{"http://" + address}
	eventually(t, "prometheus", func() bool {
		answer, err := closingClient.Get(p.url + "/-/ready")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil && answer.StatusCode == 200
	})
	return p
}

// query returns the value of the first series of the result.
func (p prometheus) query(t *testing.T, query string) (float64, bool) {
	t.Helper()
	found := p.queryAll(t, query)
	if len(found) == 0 {
		return 0, false
	}
	return found[0].value, true
}

// sample is a series and its present value.
type sample struct {
	labels map[string]string
	value  float64
}

// queryAll evaluates a query, which must be valid, and returns its result.
func (p prometheus) queryAll(t *testing.T, query string) (found []sample) {
	t.Helper()
	_, _, body := get(t, p.url+"/api/v1/query?query="+url.QueryEscape(query))
	var r struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(body, &r); err != nil || r.Error != "" {
		t.Fatalf("%s: %s %v", query, r.Error, err)
	}
	for _, one := range r.Data.Result {
		text, _ := one.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		found = append(found, sample{one.Metric, v})
	}
	return found
}
