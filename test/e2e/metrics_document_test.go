package e2e

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"camd/internal/testpeer"
)

var update = flag.Bool("update", false, "write the documents that are made from the program")

const metricsDoc = "../../docs/metrics.md"

// docs/metrics.md lists the metrics of a camd with one of each feature.
func TestMetricsDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: encryptedConfig(testpeer.Certificate{}.Make(t), 1) + videoCameraEntry(t) + "mqtt: {url: 'mqtt://127.0.0.1:1'}\n" +
		"site: here\nbus: {servers: ['nats://127.0.0.1:1'], relay: true}\n" +
		"webhooks: [{url: 'http://127.0.0.1:1/', secret_file: " + write(t, t.TempDir(), "hook", strings.Repeat("aa", 24)) + "}]\n"})
	d.waitForCamera("tower", "sending video", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
	want := metricsDocument(gatherMetrics(t, d), alertsByMetric(t))
	if *update {
		if err := os.WriteFile(metricsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Split(string(readFile(t, metricsDoc)), "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("docs/metrics.md is out of date; run make metrics-doc. Line %d should be:\n%s", i+1, line)
		}
	}
	if n := strings.Count(want, "\n") + 1; len(got) != n {
		t.Fatalf("docs/metrics.md has %d lines, want %d; run make metrics-doc", len(got), n)
	}
}

// videoCameraEntry returns the entry of a camera that sends H.264, with a substream.
func videoCameraEntry(t *testing.T) string {
	t.Helper()
	url := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264}).URL()
	return fmt.Sprintf("  - {id: tower, source: '%s', substream: '%[1]s', stall_timeout: 2m}\n", url)
}

// gatherMetrics gets the metrics in the format that a Prometheus with native histograms requests.
func gatherMetrics(t *testing.T, d *daemon) (all []*dto.MetricFamily) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	answer, err := closingClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	in := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header))
	for {
		f := new(dto.MetricFamily)
		switch err := in.Decode(f); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		if strings.HasPrefix(f.GetName(), "camd_") {
			all = append(all, f)
		}
	}
}

// alertsByMetric returns the alerts that read each metric, directly or through a recorded one.
func alertsByMetric(t *testing.T) map[string][]string {
	t.Helper()
	rules, readBy := readRules(t), map[string][]string{}
	recorded := map[string][]string{} // the metrics that a recorded one is computed from
	for _, r := range rules {
		for _, m := range selectors.FindAllStringSubmatch(r.Expr, -1) {
			behind := []string{m[1]}
			if r.Record != "" {
				recorded[r.Record] = append(recorded[r.Record], m[1])
				continue
			}
			if strings.Contains(m[1], ":") {
				behind = recorded[m[1]]
			}
			for _, name := range behind {
				for _, suffix := range []string{"_bucket", "_count"} { // of a histogram
					name = strings.TrimSuffix(name, suffix)
				}
				if !slices.Contains(readBy[name], r.Alert) {
					readBy[name] = append(readBy[name], r.Alert)
				}
			}
		}
	}
	return readBy
}

// labelMeanings has the meanings of labels whose values are not from a fixed set.
var labelMeanings = map[string]string{
	"camera": "`id` of a camera in the configuration, or `site.id` of a camera of another site", "direction": "`out` for cameras of this camd, `in` for those of other sites", "title": "`title` of the camera", "rendition": "`main`, a name under `renditions`, or a track",
	"backend": "how camd reads the camera: `V4L2`, `FFMPEG`, `HTTP`, `RTSP`, `PATTERN`", "codec": "what the camera delivers: `mjpeg`, `h264`, `yuyv` …",
	"passthrough": "`true` if camd forwards the camera's own JPEGs",
	"track":       "`video` for the source, `sub` for the substream; `main` for the decoder of a camera that sends JPEG", "width": "of the video in pixels", "height": "of the video in pixels",
	"version": "version of camd", "commit": "commit that camd was built from", "goversion": "version of Go that built camd",
}

const metricsPreface = `# Metrics

` + "`make metrics-doc`" + ` writes this file from the answer of a running camd at ` + "`/metrics`" + `. A test compares the two.

- Every series exists from the start, at 0, so that a rate misses nothing.
- Times are Unix times in seconds. 0 means that the event has not happened.
- Labels come from the configuration and from fixed sets, and never from viewers. ` + "`/api/v1/viewers`" + ` lists the addresses of viewers.
- The column *alerts* lists the alerts of [rules.yml](../deploy/prometheus/rules.yml) that use the metric.
`

// metricsDocument is the text of docs/metrics.md.
func metricsDocument(families []*dto.MetricFamily, alerts map[string][]string) string {
	var b strings.Builder
	b.WriteString(metricsPreface)
	groups := []struct{ title, prefixes string }{{"Cameras", "camd_camera_ camd_capture_ camd_readers_"}, {"Tracks", "camd_track_"}, {"Decoders", "camd_decoder_"}, {"Viewers", "camd_viewer"}, {"The bus", "camd_bus_"}, {"camd", "camd_"}}
	written := map[string]bool{}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| metric | type | labels | what | alerts |\n|---|---|---|---|---|\n", g.title)
		for _, f := range families {
			in := slices.ContainsFunc(strings.Fields(g.prefixes), func(p string) bool { return strings.HasPrefix(f.GetName(), p) })
			if in && !written[f.GetName()] {
				written[f.GetName()] = true
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()),
					quoted(labelNames(f)), f.GetHelp(), quoted(alerts[f.GetName()]))
			}
		}
	}
	b.WriteString("\nThe metrics `go_*` and `process_*` of client_golang describe the daemon: memory, CPU time, file descriptors.\n\n")
	for _, name := range slices.Sorted(maps.Keys(alerts)) {
		if !written[name] {
			fmt.Fprintf(&b, "- %s %s `%s`.\n", quoted(alerts[name]), map[bool]string{true: "reads", false: "read"}[len(alerts[name]) == 1], name)
		}
	}
	b.WriteString(labelTable(families))
	b.WriteString(histogramTable(families))
	return b.String()
}

func labelNames(f *dto.MetricFamily) (names []string) {
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, l.GetName())
	}
	return names
}

func quoted(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "`" + strings.Join(all, "`, `") + "`"
}

// labelTable lists the meanings of labels, or the sets that their values are from.
func labelTable(families []*dto.MetricFamily) string {
	rows := map[string][]string{} // the metrics, by label and what it means
	for _, f := range families {
		for i, name := range labelNames(f) {
			means := labelMeanings[name]
			if means == "" {
				values := map[string]bool{}
				for _, m := range f.GetMetric() {
					values[m.GetLabel()[i].GetValue()] = true
				}
				means = quoted(slices.Sorted(maps.Keys(values)))
			}
			key := "| `" + name + "` | " + means + " | "
			rows[key] = append(rows[key], f.GetName())
		}
	}
	var b strings.Builder
	b.WriteString("\n## Labels\n\n| label | values | metrics |\n|---|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		of := quoted(rows[key])
		if len(rows[key]) > 4 {
			of = strconv.Itoa(len(rows[key])) + " metrics"
		}
		b.WriteString(key + of + " |\n")
	}
	b.WriteString("\n`camd_bus_` metrics exist only with `bus` in the configuration. A relay may know thousands of cameras. So a camera of another site has\n" +
		"only `camd_camera_up` until a viewer watches it here. A watched stream has the metrics of viewers and of the bus, and\n" +
		"`camd_camera_frames_published_total`. Only the first 1024 watched streams have them: `camd_remote_streams_without_series` and\n" +
		"`camd_bus_streams_without_series` count the others. The camd at the camera's site has all other metrics of the camera.\n")
	b.WriteString("\n`camd_track_` metrics exist only for cameras that send H.264 or H.265. `camd_decoder_` metrics exist only for cameras that\n" +
		"can need a decoder. Until camd knows what such a camera sends, `track` is `video`. `camd_decoder_delay_seconds` has a series for each\n" +
		"track that is possible.\n")
	b.WriteString("\nThe value `http2` exists only with `tls` in the configuration.\n")
	return b.String()
}

// histogramTable lists the buckets of each histogram.
func histogramTable(families []*dto.MetricFamily) string {
	var b strings.Builder
	b.WriteString("\n## Histograms\n\nEach histogram has both forms, classic and native. Prometheus uses the form that it is configured for.\n\n| metric | classic buckets, in seconds | native |\n|---|---|---|\n")
	for _, f := range families {
		if f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		var bounds []string
		for _, bucket := range h.GetBucket() {
			bounds = append(bounds, strconv.FormatFloat(bucket.GetUpperBound(), 'g', -1, 64))
		}
		native := "no"
		if h.Schema != nil {
			native = fmt.Sprintf("%d buckets for each power of two", 1<<h.GetSchema())
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.GetName(), strings.Join(bounds, ", "), native)
	}
	b.WriteString("\nThe rules and the dashboard use the classic histograms. If your Prometheus scrapes native ones, configure it to keep the classic ones:\n" +
		"`scrape_classic_histograms: true` from version 2.45, `always_scrape_classic_histograms: true` from version 3.0.\n")
	return b.String()
}
