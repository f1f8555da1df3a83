package capture

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// decoderClips are 1080p25 at 4 Mbit/s, as cameras send it.
var decoderClips = []struct {
	name string
	clip testpeer.Clip
}{
	{"h264", testpeer.Clip{Codec: "h264", Encoder: "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000"}},
	{"h264-bframes", testpeer.Clip{Codec: "h264", Encoder: "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000:bframes=3:b-adapt=0"}},
	{"h265", testpeer.Clip{Codec: "h265", Encoder: "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000"}},
}

// BenchmarkDecoder measures a decoder process that gets frames at a rate. It reports the time from writing a frame to its JPEG, the process's CPU
// time, also for each frame, and its memory. Without demand, pictures are decoded and not encoded. With B-frames, the decoder has to wait for two more
// frames.
func BenchmarkDecoder(b *testing.B) {
	for _, c := range decoderClips {
		clip := c.clip
		clip.Size, clip.FPS, clip.Length = "1920x1080", 25, 4*time.Second
		for _, fps := range []int{1, 5, 25} {
			for _, wanted := range []string{"none", "preview", "main"} {
				if wanted == "none" && fps < 25 {
					continue
				}
				b.Run(fmt.Sprintf("%s/fps=%d/wanted=%s", c.name, fps, wanted), func(b *testing.B) {
					frames := numberedVideo{codec: h26x.Codec(clip.Codec), fps: clip.FPS, first: 1}.readFrames(b, clip.Make(b))
					measureDecoder(b, frames, fps, wanted)
				})
			}
		}
	}
}

// measureDecoder feeds a process for as many frames as b.N says, at most 4 s at 25 frames a second.
func measureDecoder(b *testing.B, frames []codedFrame, fps int, wanted string) {
	b.Helper()
	cmd, commands, _, out := startProcess(b, wire.Start{Decode: true, Renditions: []camera.Rendition{{Width: 640, Quality: 70}}}, "1")
	for rendition, name := range []string{"main", "preview"} {
		if err := commands.Write(wire.Demand{Rendition: uint8(rendition), Wanted: name == wanted}); err != nil {
			b.Fatal(err)
		}
	}
	received := make(chan map[uint64]time.Time)
	go func() { received <- receiveTimes(out) }()
	sent := map[uint64]time.Time{}
	frames = frames[:min(len(frames), max(10, b.N))]
	pace := newPacer(float64(fps))
	var format *wire.VideoFormat
	var used time.Duration
	began := time.Now()
	for i, f := range frames {
		_ = pace.wait(b.Context())
		if i == 5 { // the start is no part of it
			used, began = processCPU(b, cmd.Process.Pid), time.Now()
		}
		if f.format != format {
			format = f.format
			_ = commands.Write(*format)
		}
		f.header.Captured = monotonic()
		sent[f.header.Count] = time.Now()
		if err := commands.WriteVideoFrame(f.header, f.fragment); err != nil {
			b.Fatal(err)
		}
	}
	_ = pace.wait(b.Context())
	used = processCPU(b, cmd.Process.Pid) - used
	b.ReportMetric(100*float64(used)/float64(time.Since(began)), "%core")
	b.ReportMetric(float64(used.Microseconds())/1000/float64(len(frames)-5), "cpu-ms/frame")
	b.ReportMetric(residentMB(b, cmd.Process.Pid), "MB")
	_ = commands.Write(wire.Stop{})
	times := <-received
	_ = cmd.Wait()
	var delays []time.Duration
	for count, at := range times {
		if count > 5 {
			delays = append(delays, at.Sub(sent[count]))
		}
	}
	b.ReportMetric(0, "ns/op")
	if slices.Sort(delays); len(delays) > 0 {
		b.ReportMetric(float64(delays[len(delays)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(len(times))/float64(len(frames)), "pictures/frame")
	}
}

// receiveTimes returns when each picture came, by Count.
func receiveTimes(out *os.File) map[uint64]time.Time {
	times := map[uint64]time.Time{}
	r := wire.NewReader(out)
	picture := make([]byte, wire.MaxFrame)
	for {
		m, err := r.Next()
		if err != nil {
			return times
		}
		if f, ok := m.(wire.Frame); ok {
			if r.ReadPicture(picture[:f.Size]) != nil {
				return times
			}
			times[f.Count] = time.Now()
		}
	}
}

// residentMB returns the resident memory of a process, without files that it shares with others.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	var kilobytes float64
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			_, _ = fmt.Sscan(rest, &kilobytes)
		}
	}
	return kilobytes / 1024
}
