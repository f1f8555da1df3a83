package mp4

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/media/fmp4"
)

const interval = fmp4.Timescale / 25 // of the frames in these tests

// sent is a frame as a viewer gets it.
type sent struct {
	frame          *broker.Frame
	decode, offset int64
}

// send passes frames through a timeline.
func send(t *testing.T, line *timeline, frames []*broker.Frame) (all []sent) {
	t.Helper()
	for _, f := range frames {
		head, rest, err := line.Mux(f)
		if err != nil || len(rest) != len(f.Wire)-fmp4.HeadSize {
			t.Fatalf("frame %d: %v", f.Seq, err)
		}
		head = head[len(head)-fmp4.HeadSize:]
		all = append(all, sent{f, int64(binary.BigEndian.Uint64(head[64:])), int64(int32(binary.BigEndian.Uint32(head[fmp4.HeadSize-12:])))})
		line.Sent()
	}
	return all
}

// checkOrder checks that decode times increase, and that frames are displayed in their order.
func checkOrder(t *testing.T, all []sent) {
	t.Helper()
	for i, s := range all {
		if i > 0 && s.decode <= all[i-1].decode || i == 0 && s.decode != 0 || s.offset < 0 {
			t.Errorf("frame %d: decode time %d after %d, offset %d", s.frame.Seq, s.decode, all[max(i-1, 0)].decode, s.offset)
		}
	}
	byPTS := slices.Clone(all)
	slices.SortFunc(byPTS, func(a, b sent) int { return int(a.frame.PTS - b.frame.PTS) })
	for i, s := range byPTS[1:] {
		if before := byPTS[i]; s.decode+s.offset <= before.decode+before.offset {
			t.Errorf("frame %d is displayed at %d, and frame %d before it at %d", s.frame.Seq, s.decode+s.offset, before.frame.Seq, before.decode+before.offset)
		}
	}
}

var timelineClips = map[string]testpeer.Clip{
	"h264":           {Codec: "h264", Size: "160x120", FPS: 25, Length: 4 * time.Second},
	"h264, B-frames": {Codec: "h264", Size: "160x120", FPS: 25, Length: 4 * time.Second, Encoder: "bframes=3:b-pyramid=normal:b-adapt=0:keyint=25"},
	"h265, open groups": {
		Codec: "h265", Size: "160x120", FPS: 25, Length: 4 * time.Second, Encoder: "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1",
	},
}

// A viewer joins in the middle of a group, and then gets every frame, or misses some as a subscription drops them.
func TestTimelineKeepsTheOrder(t *testing.T) {
	for name, clip := range timelineClips {
		t.Run(name, func(t *testing.T) {
			v := newVideo(t, clip)
			for seed := range uint64(60) {
				random := rand.New(rand.NewPCG(seed, 1))
				p := &publisher{video: v, topic: broker.NewTopic("yard", broker.Options{Depth: 1024})}
				p.publish(1 + random.IntN(60))
				newest := p.topic.Newest()
				sub := p.topic.Subscribe(broker.Decodable)
				p.publish(40 + random.IntN(60))
				var frames []*broker.Frame
				skipping := false
				for f := sub.TryNext(); f != nil; f = sub.TryNext() {
					if seed%2 == 1 && f.Seq > newest.Seq {
						skipping = skipping && !f.Key || !f.Disposable && random.IntN(10) == 0
						if skipping || f.Disposable && random.IntN(3) == 0 || f.Leading {
							continue
						}
					}
					frames = append(frames, f)
				}
				sub.Close()
				all := send(t, newTimeline(newest), frames)
				checkOrder(t, all)
				if t.Failed() {
					t.Fatalf("seed %d, joined at %d", seed, newest.Seq)
				}
			}
		})
	}
}

// Frames that were there when the viewer joined take a tick each. Then time is as the source has it.
func TestTimelineCatchesUp(t *testing.T) {
	p := &publisher{video: newVideo(t, timelineClips["h264"]), topic: broker.NewTopic("yard", broker.Options{Depth: 256})}
	p.publish(25 + 10)
	line := newTimeline(p.topic.Newest())
	sub := p.topic.Subscribe(broker.Decodable)
	defer sub.Close()
	p.publish(5)
	var frames []*broker.Frame
	for f := sub.TryNext(); f != nil; f = sub.TryNext() {
		frames = append(frames, f)
	}
	for i, s := range send(t, line, frames) {
		want := int64(i)
		if i > 9 {
			want = 9 + int64(i-9)*interval
		}
		if s.decode != want {
			t.Errorf("frame %d: decode time %d, expected %d", i, s.decode, want)
		}
	}
}

// After a gap of any kind, the next frame follows after the usual interval.
func TestTimelineClosesGaps(t *testing.T) {
	v := newVideo(t, timelineClips["h264"])
	for name, change := range map[string]func(f *broker.Frame){
		"outage":                func(f *broker.Frame) { f.DTS += time.Minute },
		"dropped frames":        func(f *broker.Frame) { f.DTS += 300 * time.Millisecond; f.Seq += 7 },
		"clock that goes back":  func(f *broker.Frame) { f.DTS -= time.Hour },
		"outage of two seconds": func(f *broker.Frame) { f.DTS += 2 * time.Second },
	} {
		var frames []*broker.Frame
		for i := range 20 {
			f := v.frame(i % 25)
			f.Seq, f.DTS = uint64(i+1), time.Duration(i)*40*time.Millisecond
			if i >= 10 {
				change(&f)
			}
			f.PTS = f.DTS
			frames = append(frames, &f)
		}
		for i, s := range send(t, newTimeline(nil), frames) {
			if s.decode != int64(i)*interval {
				t.Errorf("%s: frame %d: decode time %d, expected %d", name, i, s.decode, int64(i)*interval)
			}
		}
	}
}

// A source whose rate falls to a frame a second, or every five seconds, has no gaps.
func TestTimelineFollowsALowRate(t *testing.T) {
	v := newVideo(t, timelineClips["h264"])
	for _, step := range []time.Duration{time.Second, 5 * time.Second} {
		var frames []*broker.Frame
		for i := range 20 {
			f := v.frame(0)
			f.Wire = slices.Clone(f.Wire)
			binary.BigEndian.PutUint32(f.Wire[8+16+8+16:], uint32(fmp4.Ticks(step))) // tfhd
			f.Seq, f.DTS = uint64(i+1), time.Duration(i)*step
			f.PTS = f.DTS
			frames = append(frames, &f)
		}
		for i, s := range send(t, newTimeline(nil), frames) {
			if want := int64(i) * fmp4.Ticks(step); s.decode != want {
				t.Errorf("%v: frame %d: decode time %d, expected %d", step, i, s.decode, want)
			}
		}
	}
}

func TestTimelineEndsAtAnotherCodec(t *testing.T) {
	v := newVideo(t, timelineClips["h264"])
	line := newTimeline(nil)
	first, second := v.frame(0), v.frame(25)
	first.Seq, second.Seq = 1, 2
	send(t, line, []*broker.Frame{&first})
	size := *second.Format
	size.Width = 1920
	second.Format = &size
	send(t, line, []*broker.Frame{&second})
	codec := size
	codec.Codec = "h265"
	second.Format = &codec
	if _, _, err := line.Mux(&second); err != errCodecChanged {
		t.Errorf("got %v", err)
	}
}

// A frame that the viewer's socket did not take leaves no trace.
func TestTimelineForgetsAFrameThatIsNotSent(t *testing.T) {
	v := newVideo(t, timelineClips["h264"])
	line := newTimeline(nil)
	first, second := v.frame(0), v.frame(25)
	first.Seq, second.Seq = 1, 26
	for range 2 { // the initialisation segment is in front of the first frame that is sent
		if head, _, err := line.Mux(&first); err != nil || len(head) != len(first.Format.Init)+fmp4.HeadSize {
			t.Errorf("a head of %d bytes, %v", len(head), err)
		}
	}
	if got := send(t, line, []*broker.Frame{&second}); got[0].decode != 0 {
		t.Errorf("got %+v", got)
	}
}
