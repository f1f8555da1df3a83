package capture

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// BenchmarkCatchUp measures how long a loaded decoder takes from the first frame of a group of pictures to the picture of its last frame, and
// the process's CPU time meanwhile. All pictures of the group are shown, or all but the last are hidden. "keyframe" is the first frame
// alone. An operation is one picture.
func BenchmarkCatchUp(b *testing.B) {
	for _, c := range decoderClips {
		for _, seconds := range []int{2, 10} {
			clip := c.clip
			clip.Size, clip.FPS, clip.Length = "1920x1080", 25, time.Duration(seconds)*time.Second
			clip.Encoder += fmt.Sprintf(":keyint=%d:min-keyint=%[1]d:scenecut=0", seconds*clip.FPS)
			for _, kind := range []string{"shown", "hidden", "keyframe"} {
				if kind == "keyframe" && seconds > 2 {
					continue
				}
				b.Run(fmt.Sprintf("%s/%ds/%s", c.name, seconds, kind), func(b *testing.B) {
					group := numberedVideo{codec: h26x.Codec(clip.Codec), fps: clip.FPS, first: 1}.readFrames(b, clip.Make(b))
					if kind == "keyframe" {
						group = group[:1]
					}
					for i := range group[:len(group)-1] {
						group[i].header.Hidden = kind == "hidden"
					}
					measureCatchUp(b, group)
				})
			}
		}
	}
}

// measureCatchUp feeds a group again and again, and waits for the picture of its last frame each time.
func measureCatchUp(b *testing.B, group []codedFrame) {
	b.Helper()
	cmd, commands, _, out := startProcess(b, wire.Start{Decode: true, Renditions: []camera.Rendition{{Width: 640, Quality: 70}}}, "1")
	for _, m := range []wire.Message{wire.Demand{}, wire.Demand{Rendition: 1, Wanted: true}, *group[0].format} {
		if err := commands.Write(m); err != nil {
			b.Fatal(err)
		}
	}
	group[len(group)-1] = group[len(group)-1].last()
	r := wire.NewReader(out)
	count := uint64(0)
	feed := func() {
		before := count
		count += uint64(len(group))
		var writing sync.WaitGroup
		writing.Go(func() {
			for i, f := range group {
				f.header.Count, f.header.Captured = before+uint64(i)+1, monotonic()
				if err := commands.WriteVideoFrame(f.header, f.fragment); err != nil {
					b.Error(err)
					return
				}
			}
		})
		awaitPicture(b, r, count)
		writing.Wait()
	}
	feed() // loads OpenCV
	used, began := processCPU(b, cmd.Process.Pid), time.Now()
	n := 0
	for b.Loop() {
		feed()
		n++
	}
	b.ReportMetric(float64((processCPU(b, cmd.Process.Pid)-used).Microseconds())/1000/float64(n), "cpu-ms")
	b.ReportMetric(float64(time.Since(began).Microseconds())/1000/float64(n), "ms")
	b.ReportMetric(0, "ns/op")
	_ = commands.Write(wire.Stop{})
	_ = cmd.Wait()
}

// awaitPicture reads up to a picture.
func awaitPicture(b *testing.B, r *wire.Reader, count uint64) {
	b.Helper()
	for {
		m, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		if f, ok := m.(wire.Frame); ok {
			if err := r.ReadPicture(make([]byte, f.Size)); err != nil {
				b.Fatal(err)
			}
			if f.Count == count {
				return
			}
		}
	}
}
