package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// sources720p returns the 720p30 sources of the published figures. The clips are long, so that their restarts count little.
func sources720p(b *testing.B) map[string]string {
	return map[string]string{
		"pattern": "test://?size=1280x720&fps=30",
		"mjpeg":   testpeer.Clip{Codec: "mjpeg", Size: "1280x720", Length: 20 * time.Second}.Make(b),
		"h264":    testpeer.Clip{Codec: "h264", Size: "1280x720", Length: 20 * time.Second}.Make(b),
	}
}

// measureDuration returns how long to measure a figure. With -benchtime 1x, as in make test, benchmarks only have to work, so it is short.
func measureDuration(d time.Duration) time.Duration {
	if flag.Lookup("test.benchtime").Value.String() == "1x" {
		return 200 * time.Millisecond
	}
	return d
}

func startOneCamera(b *testing.B, source string) *daemon {
	d := start(b, options{config: fmt.Sprintf("cameras:\n  - {id: a, source: %q}\n", source)})
	d.waitForState("a", "live")
	return d
}

// BenchmarkDelay measures the age of a picture when its first bytes reach a viewer on this machine. The age includes drawing or decoding,
// and encoding. An operation is a picture; use -benchtime 1000x for a useful p99.
func BenchmarkDelay(b *testing.B) {
	for name, source := range sources720p(b) {
		b.Run(name, func(b *testing.B) {
			d := startOneCamera(b, source)
			v := watch(b, d.URL+"/cameras/a/stream.mjpg")
			for range 30 { // the first picture had waited for a viewer, and caches are cold
				if _, err := v.read(); err != nil {
					b.Fatal(err)
				}
			}
			var ages []time.Duration
			var last time.Time
			for b.Loop() {
				// A picture that is repeated, because no other came for half a second, is not counted again.
				p := v.waitFor("a new picture", func(p picture) bool { return p.captured != last })
				ages = append(ages, p.arrived.Sub(p.captured))
				last = p.captured
			}
			reportQuantiles(b, ages)
			b.ReportMetric(0, "ns/op") // it would be the camera's rate
		})
	}
}

// reportQuantiles reports the median, the 90th and 99th percentiles and the maximum of the durations.
func reportQuantiles(b *testing.B, d []time.Duration) {
	b.ReportMetric(quantile(d, 0.5), "p50-ms")
	b.ReportMetric(quantile(d, 0.9), "p90-ms")
	b.ReportMetric(quantile(d, 0.99), "p99-ms")
	b.ReportMetric(quantile(d, 1), "max-ms")
}

// BenchmarkStart measures the time from the start of camd with a test pattern to the first live picture at a client.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		d := start(b, options{config: "cameras:\n  - {id: test, source: 'test://?size=1280x720&fps=30'}\n"})
		// The snapshot waits for the picture.
		if code, _, body := get(b, d.URL+"/cameras/test/snapshot.jpg"); code != http.StatusOK || !isJPEG(body) {
			b.Fatalf("%d: %d bytes", code, len(body))
		}
		b.StopTimer()
		d.stop()
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/picture")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMemory measures the memory of the processes of one camera without viewers: resident, and the part that is not from files.
func BenchmarkMemory(b *testing.B) {
	for name, source := range sources720p(b) {
		b.Run(name, func(b *testing.B) {
			d := startOneCamera(b, source)
			pid := d.camera("a").Worker.PID
			for b.Loop() {
				b.ReportMetric(megabytes(b, d.cmd.Process.Pid, "Rss"), "camd-MB")
				b.ReportMetric(megabytes(b, pid, "Rss"), "capture-MB")
				b.ReportMetric(megabytes(b, pid, "Anonymous"), "capture-anonymous-MB")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// megabytes returns a figure of a process's memory.
func megabytes(b testing.TB, pid int, what string) float64 {
	b.Helper()
	mb, err := readMegabytes(pid, what)
	if err != nil {
		b.Fatal(err)
	}
	return mb
}

func readMegabytes(pid int, what string) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "smaps_rollup"))
	if errors.Is(err, os.ErrPermission) && what == "Rss" { // only root can read it
		what = "VmRSS"
		text, err = os.ReadFile(filepath.Join("/proc", itoa(pid), "status"))
	}
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^` + what + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no %s in %s", what, text)
	}
	kb, _ := strconv.ParseFloat(string(m[1]), 64)
	return kb * 1024 / 1e6, nil
}

// BenchmarkCapture measures the CPU time of a watched camera, in percent of one core. An operation is a picture. The kernel counts in
// hundredths of a second, so use -benchtime 300x or more.
func BenchmarkCapture(b *testing.B) {
	for name, source := range sources720p(b) {
		b.Run(name, func(b *testing.B) {
			d := startOneCamera(b, source)
			v := watch(b, d.URL+"/cameras/a/stream.mjpg")
			pids := map[string]int{"capture-%": d.camera("a").Worker.PID, "camd-%": d.cmd.Process.Pid}
			if _, err := v.read(); err != nil {
				b.Fatal(err)
			}
			begin, before := time.Now(), map[string]time.Duration{}
			for what, pid := range pids {
				before[what] = processorTime(b, pid)
			}
			for b.Loop() {
				if _, err := v.read(); err != nil {
					b.Fatal(err)
				}
			}
			for what, pid := range pids {
				b.ReportMetric(100*float64(processorTime(b, pid)-before[what])/float64(time.Since(begin)), what)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// processorTime returns the CPU time that all threads of a process have used.
func processorTime(b *testing.B, pid int) time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	if err != nil {
		b.Fatal(err)
	}
	// The name in brackets may contain anything. After it, user and system time are the 12th and 13th field.
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		b.Fatalf("%s", stat)
	}
	const tick = 10 * time.Millisecond
	return time.Duration(user+system) * tick
}
