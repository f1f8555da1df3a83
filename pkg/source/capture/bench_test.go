package capture

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// clip720 is the clip of the figures in the documents.
func clip720(codec string) testpeer.Clip {
	return testpeer.Clip{Codec: codec, Size: "1280x720", FPS: 30, Length: 10 * time.Second}
}

// clip1080 is an MJPEG clip that passes through.
var clip1080 = testpeer.Clip{Codec: "mjpeg", Size: "1920x1080"}

// clipVideo is an H.264 clip that passes through, of about 4 Mbit/s.
var clipVideo = testpeer.Clip{Codec: "h264", Size: "1920x1080", FPS: 25, Length: 10 * time.Second, Encoder: "bitrate=4000:keyint=50"}

// BenchmarkPassthrough plays MJPEG and H.264 from a file at its own rate, in a process of its own. It measures what a camera costs. An operation is
// one picture.
func BenchmarkPassthrough(b *testing.B) {
	for _, clip := range []testpeer.Clip{clip720("mjpeg"), clip1080, clipVideo} {
		b.Run(clip.Codec+" "+clip.Size, func(b *testing.B) {
			cpu, wall := measureProcess(b, wire.Start{Source: clip.Make(b)}, 1, min(max(b.N, 30), 300))
			b.ReportMetric(float64(cpu.Microseconds()), "cpu-µs/picture")
			b.ReportMetric(100*float64(cpu)/float64(wall), "%core")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkEncode compares the capture process with a minimal program that reads and encodes every picture of the same file in one
// loop. Both play the file at its own rate and at twice that rate.
func BenchmarkEncode(b *testing.B) {
	for _, codec := range []string{"h264", "rawvideo"} {
		clip := clip720(codec)
		if codec == "rawvideo" {
			clip.Length = 2 * time.Second // 110 MB
		}
		for _, speed := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/speed=%d", codec, speed), func(b *testing.B) {
				path := clip.Make(b)
				compareCPU(b, wire.Start{Source: path, Capture: options.Capture{Reader: options.ReaderOpenCV}}, speed, func(n int) time.Duration {
					return measureMinimalLoop(b, path, gocv.VideoCaptureFFmpeg, min(n, clip.Frames()-2), 30*float64(speed))
				})
			})
		}
	}
}

// compareRounds is how many rounds a comparison has.
const compareRounds = 9

// compareCPU reports the CPU time for a picture of the capture process and of another program. They run in turns. It reports the
// medians of the rounds and, because the machine may do other work, the minimums.
func compareCPU(b *testing.B, start wire.Start, speed int, other func(pictures int) time.Duration) {
	b.Helper()
	var captureTimes, otherTimes, ratios []float64
	var wall time.Duration
	pictures := max(b.N/compareRounds, 5)
	for range compareRounds {
		otherCPU := other(pictures)
		cpu, period := measureProcess(b, start, speed, pictures)
		wall += period / compareRounds
		captureTimes, otherTimes = append(captureTimes, float64(cpu.Microseconds())), append(otherTimes, float64(otherCPU.Microseconds()))
		ratios = append(ratios, float64(cpu)/float64(otherCPU))
	}
	median := func(of []float64) float64 { slices.Sort(of); return of[len(of)/2] }
	b.ReportMetric(median(captureTimes), "cpu-µs/picture")
	b.ReportMetric(median(otherTimes), "other-µs/picture")
	b.ReportMetric(median(ratios), "×other")
	b.ReportMetric(captureTimes[0]/otherTimes[0], "×other-at-least")
	b.ReportMetric(median(captureTimes)/float64(wall.Microseconds())*100, "%core")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTestPattern measures what drawing costs in comparison with encoding.
func BenchmarkTestPattern(b *testing.B) {
	p := newTestPattern(sourceurl.Source{Size: sourceurl.Size{Width: 1280, Height: 720}, FPS: 30}, 1)
	defer p.close()
	m := gocv.NewMat()
	defer m.Close()
	for b.Loop() {
		p.number++
		p.retrieve(&m)
	}
}

// measureProcess returns the CPU time and the time that a capture process uses for each picture after its first. The process must
// send all of them, because a skipped picture costs less.
func measureProcess(b *testing.B, start wire.Start, speed, pictures int) (cpu, wall time.Duration) {
	b.Helper()
	cmd, commands, _, out := startProcess(b, start, fmt.Sprint(speed))
	r := wire.NewReader(out)
	picture := make([]byte, wire.MaxFrame)
	var first, last wire.Frame
	var used time.Duration
	got := 0
	for first.Count == 0 || last.Count < first.Count+uint64(pictures) {
		m, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		f := pictureOf(m)
		if f.Size == 0 {
			continue
		}
		if err := r.ReadPicture(picture[:f.Size]); err != nil {
			b.Fatal(err)
		}
		if last = f; first.Count == 0 {
			first, used = f, processCPU(b, cmd.Process.Pid)
			continue
		}
		got++
	}
	used = processCPU(b, cmd.Process.Pid) - used
	if err := commands.Write(wire.Stop{}); err != nil {
		b.Fatal(err)
	}
	for err := error(nil); err == nil; {
		var m wire.Message
		if m, err = r.Next(); err == nil {
			err = r.ReadPicture(picture[:pictureOf(m).Size])
		}
	}
	_ = cmd.Wait()
	b.ReportMetric(float64(pictures-got), "passed-over")
	n := time.Duration(got)
	return used / n, time.Duration(last.Captured-first.Captured) / n
}

// pictureOf returns the header of a frame, of zeros for another message.
func pictureOf(m wire.Message) wire.Frame {
	switch m := m.(type) {
	case wire.Frame:
		return m
	case wire.VideoFrame:
		return wire.Frame{Captured: m.Captured, Count: m.Count, Size: m.Size}
	}
	return wire.Frame{}
}

// measureMinimalLoop returns the CPU time per picture of the shortest loop that does the work, at a rate unless that is 0.
func measureMinimalLoop(b *testing.B, path string, backend gocv.VideoCaptureAPI, pictures int, fps float64) time.Duration {
	b.Helper()
	gocv.SetNumThreads(0)
	_ = os.Unsetenv("OPENCV_FFMPEG_CAPTURE_OPTIONS") // of a source that a test opened in this process
	vc, err := gocv.VideoCaptureFileWithAPI(path, backend)
	if err != nil {
		b.Fatal(err)
	}
	defer vc.Close()
	m := gocv.NewMat()
	defer m.Close()
	vc.Read(&m)
	began := ownCPU(b)
	pace := newPacer(fps)
	for range pictures {
		if fps > 0 {
			_ = pace.wait(b.Context())
		}
		if !vc.Read(&m) {
			b.Fatal("read")
		}
		buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, defaultQuality})
		if err != nil {
			b.Fatal(err)
		}
		buf.Close()
	}
	return (ownCPU(b) - began) / time.Duration(pictures)
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processCPU reads another process's CPU clock, whose number is made of its id (see clock_getcpuclockid(3)).
func processCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
