package e2e

import (
	"fmt"
	"testing"
	"time"
)

// gridRate is the frame rate of the substreams of a wall.
const gridRate = 15

// gridClip is what a camera sends for a wall: 640x360 at 15 fps, 0.4 Mbit/s, a keyframe every four seconds.
func gridClip(b testing.TB) string {
	b.Helper()
	return cachedClip(b, "grid", ".mp4", func() []byte { return nil }, "-nostdin", "-v", "error", "-f", "lavfi", "-i", fmt.Sprint("testsrc2=size=640x360:rate=", gridRate),
		"-t", "8", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv420p",
		"-x264-params", "bitrate=400:vbv-maxrate=400:vbv-bufsize=400:keyint=60:scenecut=0")
}

// BenchmarkWallVideo measures walls of sixteen cameras that send 1080p25 and a substream of 640x360 at 15 fps: the CPU time of camd with
// all its processes as a share of a processor, with and without walls, and for each frame that it sends. An operation is a turn; use
// -benchtime 1s.
func BenchmarkWallVideo(b *testing.B) {
	const cameras = 16
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 50))
	sub, _ := startFiguresCamerasAt(b, gridClip(b), gridRate)
	for _, walls := range []int{1, 20} {
		b.Run(fmt.Sprintf("%d-walls", walls), func(b *testing.B) {
			d, s := startDecodeServer(b, cameras, rtsp, sub)
			for b.Loop() {
				unwatched := s.allCores(b)
				leave := d.openVideoWalls(b, walls, cameras)
				settle()
				begin, before := time.Now(), d.framesSent()
				watched := s.allCores(b)
				frames := (d.framesSent() - before) / time.Since(begin).Seconds()
				b.ReportMetric(unwatched, "unwatched-core")
				b.ReportMetric(watched, "core")
				b.ReportMetric(watched-unwatched, "walls-core")
				b.ReportMetric((watched-unwatched)*1e6/frames, "µs/frame")
				b.ReportMetric(frames/float64(walls*cameras), "fps/camera")
				b.ReportMetric(float64(len(d.decoders())), "decoders")
				b.ReportMetric(treeMemory(b, s.pid), "MB")
				leave()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// openVideoWalls opens walls of the first cameras, in grids. It returns when each wall has had ten frames of each camera.
func (d *daemon) openVideoWalls(b *testing.B, walls, cameras int) (leave func()) {
	b.Helper()
	o := wallOptions{decodes: []string{highH264}}
	for i := range cameras {
		o.cameras = append(o.cameras, fmt.Sprint("c", i))
	}
	var stops []func() error
	for range walls {
		wall := d.dialWall(b, o)
		frames := map[string]int{}
		wall.until("ten frames of each camera", func(e wallEvent) bool {
			if e.frame != nil {
				frames[e.frame.Camera]++
			}
			for _, id := range o.cameras {
				if frames[id] < 10 {
					return false
				}
			}
			return true
		})
		stops = append(stops, wall.drain())
	}
	return func() {
		for _, stop := range stops {
			if err := stop(); err != nil {
				b.Error(err)
			}
		}
	}
}

// BenchmarkWallJoin reports how long after its request a new client of a wall has the first keyframe of a camera, and how long it is level
// with the camera: it gets a frame that is not a catch-up. Keyframes are four seconds apart. An operation is a client; they come at any
// time between two keyframes.
func BenchmarkWallJoin(b *testing.B) {
	sub, _ := startFiguresCamerasAt(b, gridClip(b), gridRate)
	d := start(b, options{config: "cameras:\n  - {id: a, source: '" + sub + "'}\n"})
	d.waitForState("a", "live")
	var keyframes, levels []time.Duration
	for n := 0; b.Loop(); n++ {
		<-time.After(measureDuration(time.Duration(n%20) * 200 * time.Millisecond))
		begin := time.Now()
		wall := d.dialWall(b, wallOptions{cameras: []string{"a"}, decodes: []string{highH264}})
		wall.until("a frame that is not late", func(e wallEvent) bool {
			if e.frame == nil {
				return false
			}
			if took := e.frame.arrived.Sub(begin); e.frame.isKey && len(keyframes) == len(levels) {
				keyframes = append(keyframes, took)
			}
			if !e.frame.isLater {
				levels = append(levels, e.frame.arrived.Sub(begin))
			}
			return !e.frame.isLater
		})
		wall.close()
	}
	b.ReportMetric(quantile(keyframes, 0.5), "keyframe-p50-ms")
	b.ReportMetric(quantile(keyframes, 0.99), "keyframe-p99-ms")
	b.ReportMetric(quantile(levels, 0.5), "level-p50-ms")
	b.ReportMetric(quantile(levels, 0.99), "level-p99-ms")
	b.ReportMetric(0, "ns/op")
}
