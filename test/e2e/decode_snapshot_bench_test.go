package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// BenchmarkDecodeSnapshot measures how long a snapshot takes: of cameras of 1080p25 whose decoder is not loaded, one after the other at
// any time of a group of pictures, and of one whose decoder runs. An operation is a snapshot of each of eight cameras; use -benchtime 1s.
func BenchmarkDecodeSnapshot(b *testing.B) {
	const cameras = 8
	for name, clip := range map[string]string{"2s": fullHDClip(b, 50), "10s": longGroupsClip(b)} {
		b.Run(name, func(b *testing.B) {
			rtsp, _ := startFiguresCameras(b, clip)
			for b.Loop() {
				d, _ := startDecodeServer(b, cameras, rtsp, "")
				<-time.After(figureWindow()) // each has a whole group of pictures
				unloaded := d.snapshotTimes(b, cameras, "")
				v := watch(b, d.URL+"/cameras/c0/stream.mjpg")
				v.waitFor("a picture", func(p picture) bool { return jpegWidth(p.jpeg) == 1920 })
				stopReading := v.drainInBackground()
				var running, fresh []time.Duration
				for range 10 {
					running = append(running, d.snapshotTimes(b, 1, "")...)
					fresh = append(fresh, d.snapshotTimes(b, 1, "?fresh=1")...)
				}
				stopReading()
				b.ReportMetric(quantile(unloaded, 0.5), "unloaded-p50-ms")
				b.ReportMetric(quantile(unloaded, 1), "unloaded-max-ms")
				b.ReportMetric(quantile(running, 0.5), "running-p50-ms")
				b.ReportMetric(quantile(running, 1), "running-max-ms")
				b.ReportMetric(quantile(fresh, 0.5), "fresh-p50-ms")
				b.ReportMetric(quantile(fresh, 1), "fresh-max-ms")
				d.close()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// snapshotTimes returns how long a snapshot of each camera takes. They are 1.3 s apart, so that they come at different times of a group of
// pictures.
func (d *daemon) snapshotTimes(b *testing.B, cameras int, query string) (all []time.Duration) {
	b.Helper()
	for i := range cameras {
		if cameras > 1 {
			<-time.After(measureDuration(1300 * time.Millisecond))
		}
		begin := time.Now()
		code, _, body := get(b, fmt.Sprintf("%s/cameras/c%d/snapshot.jpg%s", d.URL, i, query))
		if code != http.StatusOK || jpegWidth(body) != 1920 {
			b.Fatalf("%d, %d bytes", code, len(body))
		}
		all = append(all, time.Since(begin))
	}
	return all
}
