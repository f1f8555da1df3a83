package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// videoServer is a program that BenchmarkVideo measures.
type videoServer struct {
	pid       int
	mp4, mjpg func(camera string) (url string)
}

// startVideoServer starts camd with cameras c0, c1 … and returns when they are live.
func startVideoServer(b *testing.B, sources ...string) videoServer {
	b.Helper()
	config := longWriteTimeout + "limits: {viewers: 2000}\ncameras:\n"
	if len(sources) == 0 {
		b.Fatal("no sources")
	}
	for i, source := range sources {
		config += fmt.Sprintf("  - {id: c%d, source: '%s'}\n", i, source)
	}
	d := start(b, options{config: config})
	for i := range sources {
		d.waitForState(fmt.Sprint("c", i), "live")
	}
	return videoServer{
		pid:  d.cmd.Process.Pid,
		mp4:  func(camera string) string { return d.URL + "/cameras/" + camera + "/stream.mp4" },
		mjpg: func(camera string) string { return d.URL + "/cameras/" + camera + "/stream.mjpg" },
	}
}

// figureWindow is how long each figure is measured.
func figureWindow() time.Duration { return measureDuration(10 * time.Second) }

// settle waits until what a start leaves behind has ended: probing, the growth of heaps.
func settle() { <-time.After(measureDuration(3 * time.Second)) }

// core returns the CPU time of the process tree in a window, as a share of a processor.
func (s videoServer) core(b *testing.B) float64 {
	b.Helper()
	begin, used := time.Now(), treeCPUTime(b, s.pid)
	<-time.After(figureWindow())
	return (treeCPUTime(b, s.pid) - used).Seconds() / time.Since(begin).Seconds()
}

// load is what viewers cost in a window.
type load struct {
	core     float64 // of the server's process tree
	bytes    float64 // per second, to all viewers
	frames   float64 // per second, to all viewers
	memoryMB float64 // of the process tree, at the end
}

// perGB returns the CPU seconds for a gigabyte.
func (l load) perGB() float64 { return l.core / l.bytes * 1e9 }

// watched returns what n viewers of a stream cost.
func (s videoServer) watched(b *testing.B, programs, stream string, n int) (l load) {
	b.Helper()
	u, err := url.Parse(stream)
	if err != nil {
		b.Fatal(err)
	}
	warm, measured := measureDuration(3*time.Second).Milliseconds(), figureWindow().Milliseconds()
	cmd := exec.Command(filepath.Join(programs, "client"), "-n", "-w", fmt.Sprint(warm), "-m", fmt.Sprint(measured), "-p", u.RequestURI(),
		"-s", itoa(s.pid), u.Port(), itoa(n))
	line := startLines(b, cmd)
	line() // begin
	begin, used := time.Now(), treeCPUTime(b, s.pid)
	line() // end
	l.core = (treeCPUTime(b, s.pid) - used).Seconds() / time.Since(begin).Seconds()
	l.memoryMB = treeMemory(b, s.pid)
	var run struct {
		Window float64 `json:"window_s"`
	}
	var group struct{ Frames, Bytes, Cut float64 }
	if err := json.Unmarshal([]byte(line()), &run); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal([]byte(line()), &group); err != nil || group.Cut > 0 || group.Frames == 0 {
		b.Fatalf("%+v, %v", group, err)
	}
	l.bytes, l.frames = group.Bytes/run.Window, group.Frames/run.Window
	return l
}

// startFloor starts the bare send loop of the benchmark of servers. key is 0 for JPEGs.
func startFloor(b *testing.B, programs string, size, fps, key int) videoServer {
	b.Helper()
	cmd := exec.Command(filepath.Join(programs, "floor"), itoa(size), itoa(fps), "0", "127.0.0.1", itoa(key))
	port := startLines(b, cmd)()
	stream := func(string) string { return "http://127.0.0.1:" + port + "/" }
	return videoServer{cmd.Process.Pid, stream, stream}
}

// buildLoad compiles the programs of the benchmark of servers: the bare send loop, and the viewers.
func buildLoad(b *testing.B) (dir string) {
	b.Helper()
	gcc := testpeer.RequireProgram(b, "gcc", "gcc")
	dir = b.TempDir()
	for program, sources := range map[string][]string{
		"floor":  {"floor.c", "setup.c"},
		"client": {"client.c", "group.c", "stream.c", "setup.c"},
	} {
		args := []string{"-O2", "-o", filepath.Join(dir, program)}
		for _, source := range sources {
			args = append(args, filepath.Join("..", "..", "bench", "c", source))
		}
		if o := run(b, gcc, args...); o.code != 0 {
			b.Fatalf("%+v", o)
		}
	}
	return dir
}

func repeat(source string, n int) (all []string) {
	for range n {
		all = append(all, source)
	}
	return all
}

// BenchmarkVideoFigures measures what network cameras and their viewers cost, beside a bare send loop of the same run: CPU time of all processes of
// camd, as a share of a processor, and their resident memory. Run it with -benchtime 1s, which is one turn; each figure takes about 13 s.
//
//   - RTSP: 1080p25 H.264 at 4 Mbit/s, with a keyframe every two seconds. slope-MB is the memory of one more camera, from 1 to 9 cameras.
//   - HTTPMJPEG: pictures of 100 KB at 30 fps.
func BenchmarkVideoFigures(b *testing.B) {
	programs := buildLoad(b)
	rtsp, mjpeg := startFiguresCameras(b, fullHDClip(b, 50))
	for _, kind := range []struct {
		name, source string
		run          func(*testing.B, string, string)
	}{
		{"RTSP", rtsp, func(b *testing.B, _, source string) { measureUnwatched(b, source) }},
		{"RTSPViewer", rtsp, func(b *testing.B, programs, source string) {
			s := startVideoServer(b, source)
			settle()
			b.ReportMetric(s.watched(b, programs, s.mp4("c0"), 1).core, "core")
		}},
		{"RTSPViewerOfJPEGs", rtsp, func(b *testing.B, programs, source string) {
			s := startVideoServer(b, source)
			settle()
			b.ReportMetric(s.watched(b, programs, s.mjpg("c0"), 1).core, "core")
		}},
		{"RTSPViewers", rtsp, measureVideoViewers},
		{"HTTPMJPEG", mjpeg, func(b *testing.B, _, source string) { measureUnwatched(b, source) }},
		{"HTTPMJPEGViewers", mjpeg, measureJPEGViewers},
	} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() { // the last turn counts
				kind.run(b, programs, kind.source)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// measureUnwatched reports what cameras cost that nobody watches.
func measureUnwatched(b *testing.B, source string) {
	one := startVideoServer(b, source)
	settle()
	b.ReportMetric(one.core(b), "core")
	b.ReportMetric(treeMemory(b, one.pid), "1-camera-MB")
	nine := startVideoServer(b, repeat(source, 9)...)
	settle()
	b.ReportMetric(nine.core(b)/9, "core/9-cameras")
	b.ReportMetric((treeMemory(b, nine.pid)-treeMemory(b, one.pid))/8, "slope-MB")
}

// measureVideoViewers reports what viewers of one camera's stream.mp4 cost, and the ratio to the bare send loop with the same bytes.
func measureVideoViewers(b *testing.B, programs, source string) {
	s := startVideoServer(b, source)
	settle()
	floor := startFloor(b, programs, 18_000, 25, 118_000)
	unwatched, before := s.core(b), treeMemory(b, s.pid)
	for _, n := range []int{100, 300} {
		served, bare := s.watched(b, programs, s.mp4("c0"), n), floor.watched(b, programs, floor.mp4(""), n)
		served.core -= unwatched
		b.ReportMetric(served.core*1000/float64(n), fmt.Sprintf("%d-ms/viewer", n))
		b.ReportMetric(bare.core*1000/float64(n), fmt.Sprintf("%d-floor-ms/viewer", n))
		b.ReportMetric(served.frames/bare.frames, fmt.Sprintf("%d-frames/floor", n))
		b.ReportMetric(served.perGB()/bare.perGB(), fmt.Sprintf("%d-x-floor", n))
		b.ReportMetric((served.memoryMB-before)*1000/float64(n), fmt.Sprintf("%d-KB/viewer", n))
	}
}

// measureJPEGViewers reports what viewers of JPEGs cost. The floor of ten viewers is the bare send loop with pictures of the same size.
func measureJPEGViewers(b *testing.B, programs, source string) {
	s := startVideoServer(b, source)
	settle()
	b.ReportMetric(s.watched(b, programs, s.mjpg("c0"), 1).core, "1-core")
	ten := s.watched(b, programs, s.mjpg("c0"), 10)
	floor := startFloor(b, programs, jpegSize(b), 30, 0)
	bare := floor.watched(b, programs, floor.mjpg(""), 10)
	b.ReportMetric(ten.core, "10-core")
	b.ReportMetric(ten.frames/bare.frames, "10-frames/floor")
	b.ReportMetric(ten.core/ten.frames/(bare.core/bare.frames), "10-x-floor")
	b.ReportMetric(bare.core, "floor-core")
}
