package source

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/source/wire"
)

// BenchmarkReaders measures the readers process of the built camd with 1 and 9 cameras, 1080p25 at 4 Mbit/s with a keyframe every 2 s, over
// TCP: its processor time for each camera, its resident memory, and the time from open to the first frame of a camera whose process runs.
// Run it with -benchtime 1x. Each part takes 20 s and a few seconds more.
func BenchmarkReaders(b *testing.B) {
	server := testpeer.ServeRTSP(b, testpeer.RTSP{Clip: testpeer.Clip{
		Codec: "h264", Size: "1920x1080", FPS: 25, Length: 4 * time.Second, Encoder: "bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000:keyint=50",
	}})
	for _, cameras := range []int{1, 9} {
		b.Run(fmt.Sprint(cameras), func(b *testing.B) {
			for b.Loop() {
				p := newReaderPool(testrun.Program(b, "camd"), zap.NewNop())
				measureReaders(b, p, server.URL(), cameras)
				p.close()
			}
		})
	}
}

func measureReaders(b *testing.B, p *readerPool, url string, cameras int) {
	b.Helper()
	const measure = 20 * time.Second
	var frames atomic.Int64
	var opened, played time.Duration // the longest
	for i := range cameras {
		began := time.Now()
		w, err := p.open(fmt.Sprint("cam", i), wire.Start{Source: url})
		if err != nil {
			b.Fatal(err)
		}
		defer w.stop(testrun.Deadline)
		for played == 0 || i > 0 {
			e, ok := <-w.events
			if _, is := e.(openedEvent); is {
				opened = max(opened, time.Since(began))
			}
			if v, is := e.(videoEvent); is && v.count == 1 {
				played = max(played, time.Since(began))
				break
			}
			if !ok {
				b.Fatal("no frame")
			}
		}
		go func() {
			for e := range w.events {
				if _, is := e.(videoEvent); is {
					frames.Add(1)
				}
			}
		}()
	}
	before, start := p.usage(), frames.Load()
	<-time.After(measure)
	after, n := p.usage(), frames.Load()-start
	b.ReportMetric((after.CPUSeconds-before.CPUSeconds)/measure.Seconds()/float64(cameras), "core/camera")
	b.ReportMetric(float64(n)/measure.Seconds()/float64(cameras), "frames/s")
	b.ReportMetric(float64(after.RSSBytes)/(1<<20), "MiB")
	b.ReportMetric(opened.Seconds(), "s-open")
	b.ReportMetric(played.Seconds(), "s-frame")
	b.ReportMetric(0, "ns/op")
}
