package mp4

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// video is a camera's video, made of the frames of a real encoder. It goes round without end: the times go on.
type video struct {
	path   string
	codec  h26x.Codec
	frames []broker.Frame
	length time.Duration
}

// newVideo returns the video of a clip.
func newVideo(t testing.TB, clip testpeer.Clip) *video {
	t.Helper()
	v := &video{path: clip.Make(t), codec: h26x.Codec(clip.Codec)}
	track := h26x.NewTrack(v.codec, h26x.Options{})
	formats := map[*h26x.Format]*broker.Format{}
	packets := testpeer.Packets(t, v.path)
	if err := track.SetConfig(testpeer.DecoderConfig(t, v.path)); err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		var nalus [][]byte
		for b := p.Data; len(b) > 0; {
			n := 4 + binary.BigEndian.Uint32(b)
			nalus, b = append(nalus, b[4:n]), b[n:]
		}
		u, err := track.Parse(nalus, p.PTS)
		if err != nil {
			t.Fatal(err)
		}
		f := formats[u.Format]
		if f == nil {
			f = &broker.Format{Codec: string(u.Format.Codec), CodecString: u.Format.CodecString, Width: u.Format.Width, Height: u.Format.Height, Init: fmp4.NewInit(u.Format)}
			formats[u.Format] = f
		}
		wire := fmp4.NewFragment(u)
		v.frames = append(v.frames, broker.Frame{
			PTS: u.PTS, DTS: u.DTS, Key: u.Key, Disposable: u.Disposable, Leading: u.Leading, Format: f, Wire: wire, Data: wire[fmp4.HeadSize:],
		})
	}
	v.length = time.Duration(len(packets)) * time.Second / time.Duration(clip.FPS)
	return v
}

// frame returns the frame number n, from 0, of the video without end.
func (v *video) frame(n int) broker.Frame {
	f := v.frames[n%len(v.frames)]
	round := time.Duration(n/len(v.frames)) * v.length
	f.PTS, f.DTS, f.Captured = f.PTS+round, f.DTS+round, time.Now()
	return f
}

// lostFrames is how long a camera is lost, in frames.
const lostFrames = 50

// publisher publishes a video at the rate of its clip, as a camera does.
type publisher struct {
	*video
	topic *broker.Topic
	next  int // number of the next frame

	lost      int // frames that the lost camera has not sent
	loseAfter int // number of the frame at which the camera is lost for two seconds; 0 for never

	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	times []time.Time // when each frame was published
}

func newPublisher(t testing.TB, clip testpeer.Clip) *publisher {
	t.Helper()
	return &publisher{video: newVideo(t, clip), topic: broker.NewTopic("yard", broker.VideoOptions()), stop: make(chan struct{})}
}

// publish publishes the next n frames at once.
func (p *publisher) publish(n int) {
	for range n {
		p.mu.Lock() // a reader that has the frame may ask for its time at once
		p.times = append(p.times, p.topic.Publish(p.frame(p.next)).Published)
		p.mu.Unlock()
		p.next++
	}
}

// publishedAt returns when the frame with a Seq was published.
func (p *publisher) publishedAt(seq int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.times[seq-1]
}

// start publishes frames until the test ends. speed 1 is real time.
func (p *publisher) start(t testing.TB, speed float64) {
	interval := time.Duration(float64(p.length) / float64(len(p.frames)) / speed)
	p.done.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if p.loseAfter > 0 && p.next >= p.loseAfter && p.lost < lostFrames {
					if p.lost++; p.lost == lostFrames { // it starts with a keyframe and another clock
						p.next = (p.next/len(p.frames) + 1) * len(p.frames)
					}
					continue
				}
				p.publish(1)
			case <-p.stop:
				return
			}
		}
	})
	t.Cleanup(p.end)
}

// end ends the publishing. It may be called again.
func (p *publisher) end() {
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.done.Wait()
}
