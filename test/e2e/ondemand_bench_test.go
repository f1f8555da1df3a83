package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// BenchmarkOnDemand measures how long the first viewer of a closed camera waits for a live picture. For comparison it measures the time
// from the start of a capture process to its first picture. They take turns. An H.264 camera begins with its next key frame, and has one
// key frame a second.
func BenchmarkOnDemand(b *testing.B) {
	rtsp := testpeer.ServeRTSP(b, testpeer.RTSP{Clip: h264Clip})
	for address, lives := range map[string]func(picture) bool{
		"test://?size=1280x720&fps=30": isLive,
		rtsp.URL():                     func(p picture) bool { return jpegWidth(p.jpeg) == 320 }, // before the first picture a placeholder is larger
	} {
		name, _, _ := strings.Cut(address, ":")
		b.Run(name, func(b *testing.B) {
			var waits, alone []time.Duration
			for b.Loop() {
				d := start(b, options{config: "cameras:\n  - {id: a, source: '" + address + "', on_demand: true}\n"})
				d.waitForState("a", "idle")
				begin := time.Now()
				v := watch(b, d.URL+"/cameras/a/stream.mjpg")
				v.waitFor("a live picture", lives)
				waits = append(waits, time.Since(begin))
				v.close()
				d.close() // another camd each time: a placeholder takes on the size of the pictures before it
				alone = append(alone, probeFirstPicture(b, address))
			}
			b.ReportMetric(quantile(waits, 0.5), "viewer-p50-ms")
			b.ReportMetric(quantile(waits, 1), "viewer-max-ms")
			b.ReportMetric(quantile(alone, 0.5), "alone-p50-ms")
			b.ReportMetric(quantile(alone, 1), "alone-max-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var firstPicturePattern = regexp.MustCompile(`first picture after +(\d+) ms`)

// probeFirstPicture returns how long "camd probe" waited for the first picture.
func probeFirstPicture(b *testing.B, address string) time.Duration {
	b.Helper()
	r := camd(b, "probe", address, "--measure", "1ms")
	m := firstPicturePattern.FindStringSubmatch(r.stdout)
	if r.code != 0 || m == nil {
		b.Fatalf("camd probe: exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
	wait, err := time.ParseDuration(m[1] + "ms")
	if err != nil {
		b.Fatal(err)
	}
	return wait
}
