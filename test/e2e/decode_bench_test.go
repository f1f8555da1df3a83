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
