package e2e

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"testing"
	"time"
)

// fourMegabits is a camera of 4 Mbit/s with a keyframe every two seconds.
var fourMegabits = numberedClip{Size: image.Pt(640, 352), Frames: 500, Noisy: true,
	Encoder: "keyint=50:bitrate=4000:vbv-maxrate=4000:vbv-bufsize=4000"}

// slowView is what a viewer got that reads more slowly than the camera sends.
type slowView struct {
	numbers []uint32        // of the pictures; all were decoded without an error
	ages    []time.Duration // on arrival of the last byte, since the camera sent the frame
	sent    int             // frames that the camera sent between the first and the last
}

// viewSlowly watches at 0.7 times the camera's bit rate, with a receive buffer of 64 KiB, until the camera has sent that number of frames.
func viewSlowly(t testing.TB, frames int) (v slowView) {
	t.Helper()
	camera := &videoCamera{clip: loadClips(t, fourMegabits)}
	d := start(t, options{config: longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: a, source: '%s', stall_timeout: 2m}\n", camera.serve(t))})
	d.waitForState("a", "live")
	rate := 0.7 * float64(camera.bytes()) * clipRate / float64(camera.loopLength())
	stream := dialVideo(t, d.URL+"/cameras/a/stream.mp4", 64<<10, func(r io.Reader) io.Reader { return &pacedReader{from: r, rate: rate} })
	var arrivals []time.Time
	for end := camera.position() + frames; camera.position() < end; {
		arrived, err := stream.next()
		if err != nil {
			t.Fatal(err)
		}
		arrivals = append(arrivals, arrived)
	}
	decoded := decodeVideo(t, bytes.NewReader(stream.file.Bytes()), fourMegabits.Size, "-i", "pipe:0")
	v.numbers = decoded.read(len(arrivals))
	loop := camera.loopLength()
	position := camera.position()
	for i := len(arrivals) - 1; i >= 0; i-- {
		position -= (position - int(v.numbers[i])) % loop // the newest frame up to then with this number
		v.ages = append(v.ages, arrivals[i].Sub(camera.due(position)))
	}
	v.sent = 1
	for _, missing := range gaps(v.numbers, loop) {
		v.sent += 1 + missing
	}
	return v
}

// bytes returns the size of all frames of the camera's clip.
func (c *videoCamera) bytes() (sum int) {
	for _, f := range c.clip.frames {
		for _, nalu := range f.nalus {
			sum += 4 + len(nalu)
		}
	}
	return sum
}

// Everything that a slow viewer gets decodes without an error, although frames are dropped.
func TestSlowVideoViewerGetsDecodableFrames(t *testing.T) {
	t.Parallel()
	v := viewSlowly(t, 20*clipRate)
	if got := len(v.numbers); got >= v.sent {
		t.Errorf("got %d of %d frames, so that the viewer was not slow", got, v.sent)
	}
	for i, missing := range gaps(v.numbers, fourMegabits.Frames) {
		if missing > 10*clipRate {
			t.Errorf("number %d follows %d", v.numbers[i+1], v.numbers[i])
		}
	}
}

// BenchmarkSlowVideoViewer reports the age of frames on arrival at a viewer that reads at 0.7 times the bit rate, and the share of the
// frames that it gets. An operation is a minute of video.
func BenchmarkSlowVideoViewer(b *testing.B) {
	var ages []time.Duration
	var got, sent int
	for b.Loop() {
		v := viewSlowly(b, int(measureDuration(time.Minute)*clipRate/time.Second)+2*clipRate)
		ages, got, sent = append(ages, v.ages...), got+len(v.numbers), sent+v.sent
	}
	b.ReportMetric(100*float64(got)/float64(sent), "%-of-frames")
	reportQuantiles(b, ages)
	b.ReportMetric(0, "ns/op")
}

// BenchmarkVideoJoin reports how long after its request a new viewer has the last byte of the first keyframe, and is level with the camera:
// it waits for the next frame. An operation is a viewer. Viewers come at any time of a group of pictures of two seconds.
func BenchmarkVideoJoin(b *testing.B) {
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 50))
	d := start(b, options{config: "cameras:\n  - {id: a, source: '" + rtsp + "'}\n"})
	d.waitForState("a", "live")
	var keyframes, levels []time.Duration
	for n := 0; b.Loop(); n++ {
		<-time.After(measureDuration(time.Duration(n%20) * 100 * time.Millisecond))
		begin := time.Now()
		stream := dialVideo(b, d.URL+"/cameras/a/stream.mp4", 0, unpaced)
		var last time.Time
		for {
			arrived, err := stream.next()
			if err != nil {
				b.Fatal(err)
			}
			if last.IsZero() {
				keyframes = append(keyframes, arrived.Sub(begin))
			} else if arrived.Sub(last) > time.Second/clipRate/2 {
				levels = append(levels, last.Sub(begin))
				break
			}
			last = arrived
		}
	}
	b.ReportMetric(quantile(keyframes, 0.5), "keyframe-p50-ms")
	b.ReportMetric(quantile(keyframes, 0.99), "keyframe-p99-ms")
	b.ReportMetric(quantile(levels, 0.5), "level-p50-ms")
	b.ReportMetric(quantile(levels, 0.99), "level-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkVideoStart reports how long it takes until an RTSP camera is live after it was turned on. Every frame of the camera is a keyframe,
// so that the figure has no wait for one. An operation is a start.
func BenchmarkVideoStart(b *testing.B) {
	rtsp, _ := startFiguresCameras(b, fullHDClip(b, 1))
	d := start(b, options{config: "cameras:\n  - {id: a, source: '" + rtsp + "'}\n"})
	d.waitForState("a", "live")
	var all []time.Duration
	for b.Loop() {
		d.patchCamera("a", `{"paused": true}`)
		begin := time.Now()
		d.patchCamera("a", `{"paused": false}`)
		d.waitForState("a", "live")
		all = append(all, time.Since(begin))
	}
	b.ReportMetric(quantile(all, 0.5), "live-p50-ms")
	b.ReportMetric(quantile(all, 1), "live-max-ms")
	b.ReportMetric(0, "ns/op")
}
