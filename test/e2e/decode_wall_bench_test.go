package e2e

import (
	"fmt"
	"testing"
)

// BenchmarkDecodeWall measures the CPU time of a wall of previews over one WebSocket: of 16 cameras of 1080p25 with substreams, and of 4
// without, as a share of a processor. An operation is a turn; use -benchtime 1s.
func BenchmarkDecodeWall(b *testing.B) {
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 50))
	sub, _ := startFiguresCameras(b, subClip(b))
	for _, c := range []struct {
		name, substream string
		cameras         int
	}{{"16-with-substreams", sub, 16}, {"4-without", "", 4}} {
		b.Run(c.name, func(b *testing.B) {
			d, s := startDecodeServer(b, c.cameras, rtsp, c.substream)
			for b.Loop() {
				unwatched := s.allCores(b)
				leave := d.watchPreviews(b, c.cameras)
				settle()
				published := func() float64 { return sum(d.seriesWithPrefix("camd_camera_frames_published_total")) }
				before := published()
				watched := s.allCores(b)
				made := published() - before
				b.ReportMetric(unwatched, "unwatched-core")
				b.ReportMetric(watched, "core")
				b.ReportMetric(made/figureWindow().Seconds()/float64(c.cameras), "fps/camera")
				b.ReportMetric(treeMemory(b, s.pid), "MB")
				leave()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watchPreviews watches the previews of the first n cameras over one WebSocket. It returns when each has had five pictures.
func (d *daemon) watchPreviews(b *testing.B, n int) (leave func()) {
	b.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprint("c", i))
	}
	stop := d.dialWall(b, wallOptions{cameras: ids}).drain()
	eventually(b, "all decoders", func() bool {
		for _, id := range ids {
			if d.publishedJPEGs(id, "preview") < 5 {
				return false
			}
		}
		return true
	})
	return func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	}
}
