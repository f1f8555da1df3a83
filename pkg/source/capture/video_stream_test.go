package capture

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// openPackets opens a clip whose packets are passed on.
func openPackets(t *testing.T, clip testpeer.Clip, limits media.Limits) *ffmpegSource {
	t.Helper()
	start := wire.Start{ReadTimeout: time.Minute, Capture: options.Capture{OpenTimeout: time.Minute, Limits: limits}}
	f, err := openFFmpeg(clip.Make(t), "", nil, start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return f
}

// A frame that is left out takes those up to the next keyframe with it, because they may refer to it.
func TestFramesAfterARefusedOneWaitForAKeyframe(t *testing.T) {
	for _, c := range []struct {
		name    string
		limits  media.Limits
		replace func([]byte) []byte // the tenth packet
		want    map[string]int
	}{
		{"damaged", media.Limits{}, func([]byte) []byte { return []byte{0, 0, 1, 0xC1} }, map[string]int{"damaged": 21}},
		{"empty", media.Limits{}, func([]byte) []byte { return nil }, map[string]int{"damaged": 21}},
		{"no Annex B", media.Limits{}, func(b []byte) []byte { return b[4:] }, map[string]int{"damaged": 21}},
		{"too large", media.Limits{Bytes: 60_000}, func(b []byte) []byte { return append(slices.Clone(b), make([]byte, 60_000)...) },
			map[string]int{"too_large": 1, "damaged": 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openPackets(t, testpeer.H264, c.limits)
			stream, refused, frames := newVideoStream(f), map[string]int{}, 0
			for i := range testpeer.H264.Frames() {
				p, err := f.nextPacket()
				if err != nil {
					t.Fatal(err)
				}
				if i == 9 {
					p.data = c.replace(p.data)
				}
				got, ok := stream.add(p)
				switch {
				case !ok:
					t.Errorf("frame %d is skipped", i)
				case got.refused != "":
					refused[got.refused]++
					if (got.refused == media.TooLarge) != (got.size > 60_000) {
						t.Errorf("size %d of a frame that is %s", got.size, got.refused)
					}
				default:
					if frames++; i == 30 != (got.header.Key && i > 0) {
						t.Errorf("frame %d: %+v", i, got.header)
					}
				}
			}
			if !maps.Equal(refused, c.want) || frames != 39 {
				t.Errorf("%d frames, refused %v, want 39 and %v", frames, refused, c.want)
			}
			if _, err := f.nextPacket(); !errors.Is(err, errStreamEnded) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// The times of packets are those that ffprobe reads.
func TestPacketsHaveTheTimesOfTheFile(t *testing.T) {
	clip := testpeer.Clip{Codec: "h264", Encoder: "bframes=3:b-adapt=0"}
	f := openPackets(t, clip, media.Limits{})
	for i, want := range testpeer.Packets(t, clip.Make(t)) {
		p, err := f.nextPacket()
		if err != nil {
			t.Fatal(err)
		}
		if !p.hasPTS || !p.hasDTS || (p.pts-want.PTS).Abs() > time.Microsecond || (p.dts-want.DTS).Abs() > time.Microsecond {
			t.Errorf("packet %d: %+v, want PTS %v, DTS %v", i, p.packetTimes, want.PTS, want.DTS)
		}
	}
}

func TestTimelineGoesOn(t *testing.T) {
	const ms = time.Millisecond
	at := func(pts, dts time.Duration) packetTimes { return packetTimes{pts * ms, dts * ms, true, true} }
	onlyPTS := func(pts time.Duration) packetTimes { return packetTimes{pts: pts * ms, hasPTS: true} }
	cut := packetTimes{}
	for _, c := range []struct {
		name    string
		packets []packetTimes // cut stands for a call of cut
		want    []time.Duration
	}{
		{"steady", []packetTimes{at(500, 500), at(540, 540), at(580, 580)}, []time.Duration{1000, 1040, 1080}},
		{"B-frames", []packetTimes{at(0, -80), at(120, -40), at(40, 0), at(80, 40)}, []time.Duration{1000, 1120, 1040, 1080}},
		{"next pass", []packetTimes{at(0, 0), at(20, 20), cut, at(0, 0), at(20, 20)}, []time.Duration{1000, 1020, 1040, 1060}},
		{"next pass of one frame", []packetTimes{at(0, 0), cut, at(0, 0)}, []time.Duration{1000, 1040}},
		{"clock set back", []packetTimes{at(90_000, 90_000), at(90_020, 90_020), at(0, 0), at(20, 20)}, []time.Duration{1000, 1020, 1040, 1060}},
		{"clock set forward", []packetTimes{at(0, 0), at(20, 20), at(90_000, 90_000), at(90_020, 90_020)}, []time.Duration{1000, 1020, 1040, 1060}},
		{"a gap that is none", []packetTimes{at(0, 0), at(5000, 5000)}, []time.Duration{1000, 6000}},
		{"jitter", []packetTimes{at(0, 0), at(40, 40), at(30, 30), at(80, 80)}, []time.Duration{1000, 1040, 1030, 1080}},
		{"only PTS", []packetTimes{onlyPTS(0), onlyPTS(120), onlyPTS(40), onlyPTS(90_000)}, []time.Duration{1000, 1120, 1040, 1180}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l timeline
			var got []time.Duration
			for _, p := range c.packets {
				if p == cut {
					l.cut()
				} else {
					got = append(got, l.next(p)/ms)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	// One damaged PTS does not move the others.
	var damaged timeline
	for i, p := range []packetTimes{at(0, 0), at(1<<40, 40), at(80, 80)} {
		if got, want := damaged.next(p), (1000+40*time.Duration(i))*ms; got != want {
			t.Errorf("packet %d with a damaged PTS before: got %v, want %v", i, got, want)
		}
	}
	var l timeline
	l.next(at(0, 0))
	l.next(at(40, 40))
	if got := l.next(packetTimes{}); got != 1080*ms {
		t.Errorf("a packet without times is at %v", got)
	}
}

func TestFramesAreDueAtTheirDecodeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, speed := range []float64{1, 10} {
			p, began := timePacer{speed: speed}, time.Now()
			for _, dts := range []time.Duration{5 * time.Second, 5*time.Second + 1, 7 * time.Second, 15 * time.Second} {
				if err := p.wait(t.Context(), dts); err != nil {
					t.Fatal(err)
				}
				if got, want := time.Since(began), time.Duration(float64(dts-5*time.Second)/speed); got != want {
					t.Errorf("speed %v: the frame at %v is sent after %v, want %v", speed, dts, got, want)
				}
			}
			time.Sleep(time.Minute) // camd did not take frames
			began = time.Now()
			for dts := 16 * time.Second; dts < 20*time.Second; dts += time.Second {
				if err := p.wait(t.Context(), dts); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := time.Since(began), time.Duration(float64(3*time.Second)/speed); got != want {
				t.Errorf("speed %v: 3 s after a pause took %v, want %v", speed, got, want)
			}
		}
	})
}

func TestOnlyH264AndH265ArePassedOn(t *testing.T) {
	for name, want := range map[string]h26x.Codec{"h264": h26x.H264, "hevc": h26x.H265, "mjpeg": "", "vp9": "", "": ""} {
		if got := videoCodec(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := codecName(0x1B); got != "h264" {
		t.Errorf("stream type 1B is %q", got)
	}
}

// A format that does not fit into a message is refused before it is sent.
func TestParameterSetsThatAreTooLargeAreRefused(t *testing.T) {
	f := openPackets(t, testpeer.H264, media.Limits{})
	stream := newVideoStream(f)
	p, err := f.nextPacket()
	if err != nil {
		t.Fatal(err)
	}
	pps := append([]byte{0, 0, 1, 0x68, 0x5F}, bytes.Repeat([]byte{0xFF}, maxInit)...) // number 1, of the SPS number 0
	p.data = slices.Concat(pps, p.data)
	if got, ok := stream.add(p); !ok || got.refused != media.TooLarge || got.size <= maxInit {
		t.Errorf("got %v, %d bytes, %q", ok, got.size, got.refused)
	}
}
