package h26x

import (
	"testing"
	"time"
)

// clips are what encoders of cameras send, and what they should not send.
var clips = []struct {
	name   string
	codec  Codec
	params string
	depth  int // frames that are reordered
}{
	{"h264", H264, "", 0},
	{"h264, B-frames", H264, "bframes=3:b-pyramid=none:b-adapt=0:keyint=50", 1},
	{"h264, B-pyramid", H264, "bframes=3:b-pyramid=normal:b-adapt=0:keyint=50", 2},
	{"h264, open groups", H264, "bframes=3:b-adapt=0:open-gop=1:keyint=10", 2},
	{"h264, keyframes only", H264, "keyint=1", 0},
	{"h264, one keyframe", H264, "keyint=300", 0},
	{"h264, intra refresh", H264, "intra-refresh=1:keyint=10", 0},
	{"h264, interlaced", H264, "interlaced=1:bframes=2:b-adapt=0", 2},
	{"h264, in-band sets", H264, "repeat-headers=1:aud=1", 0},
	{"h264, slices", H264, "slices=4:bframes=2:b-adapt=0", 2},
	{"h265", H265, "", 0},
	{"h265, B-frames", H265, "bframes=3:b-adapt=0:keyint=50:open-gop=0", 2},
	{"h265, open groups", H265, "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1", 2},
	{"h265, temporal layers", H265, "bframes=3:b-adapt=0:temporal-layers=1", 2},
	{"h265, in-band sets", H265, "repeat-headers=1:aud=1", 0},
	{"h265, intra refresh", H265, "intra-refresh=1:keyint=10", 0},
}

func TestDecodeTimesAreThoseOfTheEncoder(t *testing.T) {
	for _, c := range clips {
		t.Run(c.name, func(t *testing.T) {
			s := encode(t, c.codec, c.params)
			last := time.Duration(-1 << 62)
			for i, u := range s.parseAll(t, s.track(t)) {
				if u.PTS != s.samples[i].pts || u.DTS <= last || u.DTS > u.PTS {
					t.Fatalf("frame %d: PTS %v of %v, DTS %v after %v", i, u.PTS, s.samples[i].pts, u.DTS, last)
				}
				if i >= c.depth && u.DTS != s.samples[i].dts {
					t.Errorf("frame %d: DTS %v, encoder %v", i, u.DTS, s.samples[i].dts)
				}
				if want := min(max(i-c.depth, 0), 1) * 40; u.Interval.Milliseconds() != int64(want) {
					t.Errorf("frame %d: interval %v", i, u.Interval)
				}
				if last = u.DTS; u.Format.Reordered != (c.depth > 0) {
					t.Fatalf("reordered: %v", u.Format.Reordered)
				}
			}
		})
	}
}

// After frames are lost, times are those of the encoder again as soon as the frames of then have left the decoder.
func TestDecodeTimesSurviveLoss(t *testing.T) {
	for _, c := range clips {
		s := encode(t, c.codec, c.params)
		for _, lost := range []int{1, 5, 12} {
			track, last := s.track(t), time.Duration(-1<<62)
			for i, one := range s.samples {
				if i >= 8 && i < 8+lost {
					continue
				}
				u := parse(t, track, one.nalus, one.pts)
				if u.DTS <= last || u.DTS > u.PTS {
					t.Fatalf("%s, %d lost: frame %d: PTS %v, DTS %v after %v", c.name, lost, i, u.PTS, u.DTS, last)
				}
				if last = u.DTS; i > 8+lost+2*maxReorder && u.DTS < s.samples[i].dts {
					t.Fatalf("%s, %d lost: frame %d: DTS %v, encoder %v", c.name, lost, i, u.DTS, s.samples[i].dts)
				}
			}
		}
	}
}

// step is a frame's PTS and the times that it gets, in milliseconds.
type step struct {
	pts      int
	isKey    bool
	isB      bool
	adjusted int
	dts      int
}

func TestClock(t *testing.T) {
	const key, b = true, true
	for _, c := range []struct {
		name  string
		depth int
		steps []step
	}{
		{"the first PTS is any", 0, []step{{-5000, key, !b, -5000, -5000}, {-4960, !key, !b, -4960, -4960}}},
		{"no PTS twice", 0, []step{{0, key, !b, 0, 0}, {0, !key, !b, 1, 1}, {0, !key, !b, 2, 2}, {40, !key, !b, 40, 40}}},
		{"jitter", 0, []step{{0, key, !b, 0, 0}, {40, !key, !b, 40, 40}, {35, !key, !b, 41, 41}, {80, !key, !b, 80, 80}}},
		{"clock set back", 0, []step{{9000, key, !b, 9000, 9000}, {9040, !key, !b, 9040, 9040}, {0, !key, !b, 9080, 9080}, {40, key, !b, 9120, 9120}}},
		{"clock set back twice", 0, []step{{9000, key, !b, 9000, 9000}, {0, !key, !b, 9001, 9001}, {40, !key, !b, 9041, 9041}, {-9000, key, !b, 9081, 9081}}},
		{"clock set forward", 0, []step{{0, key, !b, 0, 0}, {40, !key, !b, 40, 40}, {86_400_000, key, !b, 80, 80}, {86_400_040, key, !b, 120, 120}}},
		{"an outage", 0, []step{{0, key, !b, 0, 0}, {60_000, key, !b, 60_000, 60_000}}},
		{"known reordering", 1, []step{{0, key, !b, 0, -1}, {120, !key, !b, 120, 0}, {40, !key, b, 40, 40}, {80, !key, b, 80, 80}, {160, !key, !b, 160, 120}}},
		{"no DTS twice", 1, []step{{0, key, !b, 0, -1}, {40, !key, !b, 40, 0}, {40, !key, !b, 40, 40}, {40, !key, !b, 40, 41}}},
		{"unknown reordering", 0, []step{{0, key, !b, 0, 0}, {120, !key, !b, 120, 120}, {40, !key, b, 40, 121}, {80, !key, b, 80, 122}, {240, !key, !b, 240, 123},
			{160, !key, b, 160, 160}, {200, !key, b, 200, 200}, {360, !key, !b, 360, 240}}},
		{"clock set back, reordering", 1, []step{{9000, key, !b, 9000, 8999}, {9120, !key, !b, 9120, 9000}, {9040, !key, b, 9040, 9040}, {0, key, !b, 9160, 9041},
			{80, !key, !b, 9240, 9160}, {40, !key, b, 9200, 9200}}},
		{"a B-frame of another time", 0, []step{{9000, key, !b, 9000, 9000}, {9040, !key, !b, 9040, 9040}, {0, !key, b, 9080, 9080}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			k.declare(c.depth)
			for i, s := range c.steps {
				adjusted, dts := k.next(time.Duration(s.pts)*time.Millisecond, s.isKey, s.isB)
				if adjusted.Milliseconds() != int64(s.adjusted) || dts.Milliseconds() != int64(s.dts) {
					t.Errorf("frame %d: PTS %v, DTS %v, expected %v and %v", i, adjusted, dts, s.adjusted, s.dts)
				}
			}
		})
	}
}

func FuzzClock(f *testing.F) {
	f.Add(byte(0), []byte{0, 1, 2, 3, 200, 4, 130})
	f.Add(byte(2), []byte{0, 8, 4, 2, 6, 16, 140, 255})
	f.Fuzz(func(t *testing.T, depth byte, in []byte) {
		var k clock
		k.declare(int(depth % (maxReorder + 1)))
		last := time.Duration(-1 << 62)
		for _, c := range in {
			pts := time.Duration(c&0x1F) * 40 * time.Millisecond
			if c&0x20 != 0 {
				pts <<= 16
			}
			adjusted, dts := k.next(pts, c&0x80 != 0, c&0x40 != 0)
			if dts <= last || len(k.pending) > maxReorder || k.depth > maxReorder || adjusted-dts > 2*maxReorder*maxGap {
				t.Fatalf("PTS %v: %v, DTS %v after %v; %d pending, depth %d", pts, adjusted, dts, last, len(k.pending), k.depth)
			}
			last = dts
		}
	})
}
