package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// subClip is what a usual network camera sends as its smaller stream: 640x360 at 25 fps, 0.5 Mbit/s, a keyframe every two seconds.
func subClip(b testing.TB) string {
	b.Helper()
	return cachedClip(b, "sub", ".mp4", func() []byte { return nil }, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25",
		"-t", "4", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv420p",
		"-x264-params", "bitrate=500:vbv-maxrate=500:vbv-bufsize=500:keyint=50:scenecut=0")
}

// longGroupsClip is 1080p25 video with a keyframe every ten seconds.
func longGroupsClip(b testing.TB) string {
	b.Helper()
	return cachedClip(b, "longgroups", ".mp4", func() []byte { return nil }, "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", "testsrc2=size=1920x1080:rate=25", "-t", "20", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv420p",
		"-x264-params", "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000:keyint=250:scenecut=0")
}

// startDecodeServer starts n cameras with one source, and with a substream unless it is empty. They are live when it returns.
func startDecodeServer(b *testing.B, n int, source, substream string) (*daemon, videoServer) {
	b.Helper()
	config := longWriteTimeout + "cameras:\n"
	if substream != "" {
		substream = ", substream: '" + substream + "'"
	}
	for i := range n {
		config += fmt.Sprintf("  - {id: c%d, source: '%s'%s}\n", i, source, substream)
	}
	d := start(b, options{config: config})
	for i := range n {
		d.waitForCamera(fmt.Sprint("c", i), "live with all tracks", func(s state) bool {
			return s.State == "live" && (substream == "" || s.sendsVideo("sub"))
		})
	}
	settle()
	return d, videoServer{pid: d.cmd.Process.Pid}
}

// allCores returns the CPU time of the process tree in a window, as a share of a processor. Unlike core it counts processes that end in the
// window.
func (s videoServer) allCores(b *testing.B) float64 {
	b.Helper()
	used := func() time.Duration { return treeCPUTime(b, s.pid) + reapedCPUTime(b, s.pid) }
	begin, before := time.Now(), used()
	<-time.After(figureWindow())
	return (used() - before).Seconds() / time.Since(begin).Seconds()
}

// reapedCPUTime returns the CPU time of a process's children that have ended, in hundredths of a second.
func reapedCPUTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	if err != nil {
		b.Fatal(err)
	}
	// The name in brackets may contain anything. After it, cutime and cstime are the 14th and 15th field (proc_pid_stat(5)).
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.Atoi(f[13])
	system, err2 := strconv.Atoi(f[14])
	if err1 != nil || err2 != nil {
		b.Fatalf("%s", stat)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// poll requests a snapshot of each camera in every period, until stop is called. The requests are spread over the period. It returns how
// many had a picture.
func (d *daemon) poll(cameras int, period time.Duration) (stop func() (pictures, others int)) {
	ctx, cancel := context.WithCancel(context.Background())
	var polls sync.WaitGroup
	var mu sync.Mutex
	pictures, others := 0, 0
	for i := range cameras {
		polls.Go(func() {
			next := time.NewTimer(period * time.Duration(i) / time.Duration(cameras))
			defer next.Stop()
			for {
				select {
				case <-next.C:
				case <-ctx.Done():
					return
				}
				next.Reset(period)
				code, err := snapshotStatus(ctx, fmt.Sprintf("%s/cameras/c%d/snapshot.jpg", d.URL, i))
				mu.Lock()
				if err == nil && code == http.StatusOK {
					pictures++
				} else if ctx.Err() == nil {
					others++
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, int) { cancel(); polls.Wait(); return pictures, others }
}

// snapshotStatus requests a snapshot and returns the status of the answer.
func snapshotStatus(ctx context.Context, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := closingClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// BenchmarkDecodePolls measures the CPU time of 16 H.264 cameras of 1080p25 that a program polls for a snapshot every ten seconds, beside the
// same cameras without polls, as a share of a processor. An operation is a turn of each; use -benchtime 1s for one turn.
func BenchmarkDecodePolls(b *testing.B) {
	const cameras = 16
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 50))
	d, s := startDecodeServer(b, cameras, rtsp, "")
	period := figureWindow()
	for b.Loop() {
		unpolled := s.allCores(b)
		stop := d.poll(cameras, period)
		<-time.After(period) // the first round loads the decoders
		polled := (s.allCores(b) + s.allCores(b)) / 2
		decoders := len(d.decoders())
		pictures, others := stop()
		b.ReportMetric(unpolled, "unpolled-core")
		b.ReportMetric(polled, "polled-core")
		b.ReportMetric(float64(pictures), "pictures")
		b.ReportMetric(float64(others), "refused")
		b.ReportMetric(float64(decoders), "decoders")
		b.ReportMetric(treeMemory(b, s.pid), "MB")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDecodePreview measures the CPU time of one camera of 1080p25 whose preview one viewer of MJPEG watches, beside the same camera
// without viewers, as a share of a processor.
func BenchmarkDecodePreview(b *testing.B) {
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 50))
	sub, _ := startFiguresCameras(b, subClip(b))
	for name, substream := range map[string]string{"1080p": "", "640x360": sub} {
		b.Run(name, func(b *testing.B) {
			d, s := startDecodeServer(b, 1, rtsp, substream)
			for b.Loop() {
				unwatched := s.allCores(b)
				v := watch(b, d.URL+"/cameras/c0/stream.mjpg?rendition=preview")
				stopReading := v.drainInBackground()
				settle()
				begin := d.publishedJPEGs("c0", "preview")
				watched := s.allCores(b)
				pictures := d.publishedJPEGs("c0", "preview") - begin
				stopReading()
				b.ReportMetric(unwatched, "unwatched-core")
				b.ReportMetric(watched, "core")
				b.ReportMetric(pictures/figureWindow().Seconds(), "fps")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// drainInBackground reads until stop is called.
func (v *viewer) drainInBackground() (stop func()) {
	done := make(chan struct{})
	go func() { defer close(done); v.drain() }()
	return func() { v.close(); <-done }
}

// BenchmarkDecodeDelay measures the time from the moment at which the camera sends a frame of 1080p to the header of its JPEG at a viewer. An
// operation is a picture; use -benchtime 200x.
func BenchmarkDecodeDelay(b *testing.B) {
	for _, rate := range []int{1, 5, 25} {
		b.Run(fmt.Sprint(rate, "fps"), func(b *testing.B) {
			clip := &videoClip{codec: "h264"}
			clip.appendFile(b, fullHDClip(b, 50))
			camera := &videoCamera{clip: clip, rate: rate}
			d := start(b, options{config: longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: a, source: '%s', stall_timeout: 2m}\n", camera.serve(b))})
			d.waitForState("a", "live")
			v := watch(b, d.URL+"/cameras/a/stream.mjpg")
			var last time.Time
			isNew := func(p picture) bool { return jpegWidth(p.jpeg) == 1920 && p.captured != last && p.captured.After(last) }
			for range 2 * rate { // the first pictures are those of a decoder that catches up
				last = v.waitFor("a picture", isNew).captured
			}
			var delays []time.Duration
			for b.Loop() {
				p := v.waitFor("a new picture", isNew)
				delays, last = append(delays, p.arrived.Sub(p.captured)), p.captured
			}
			reportQuantiles(b, delays)
			b.ReportMetric(0, "ns/op") // it would be the camera's rate
		})
	}
}

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
				var ids []string
				for i := range c.cameras {
					ids = append(ids, fmt.Sprint("c", i))
				}
				wall := newViewers(b, &videoCamera{clip: &videoClip{}})
				conn := wall.dialWall(d.URL + "/api/v1/wall?cameras=" + strings.Join(ids, ","))
				wall.running.Go(func() {
					for {
						if _, err := readWall(wall.ctx, conn); err != nil {
							return
						}
					}
				})
				eventually(b, "all decoders", func() bool {
					for _, id := range ids {
						if d.publishedJPEGs(id, "preview") < 5 {
							return false
						}
					}
					return true
				})
				settle()
				before := sum(d.seriesWithPrefix("camd_camera_frames_published_total"))
				watched := s.allCores(b)
				made := sum(d.seriesWithPrefix("camd_camera_frames_published_total")) - before
				b.ReportMetric(unwatched, "unwatched-core")
				b.ReportMetric(watched, "core")
				b.ReportMetric(made/figureWindow().Seconds()/float64(c.cameras), "fps/camera")
				b.ReportMetric(treeMemory(b, s.pid), "MB")
				wall.stop()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
