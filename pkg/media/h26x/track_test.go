package h26x

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"camd/internal/testpeer"

	"github.com/Eyevinn/mp4ff/avc"
)

// Cameras send parameter sets in many ways. Every keyframe has them all in front, once.
func TestParameterSetsAreInFrontOfEveryKeyframe(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		s := encode(t, codec, "keyint=10:min-keyint=10")
		sets := s.parameterSets(t)
		delimiter := map[Codec][]byte{H264: {0x09, 0xF0}, H265: {0x46, 0x01, 0x50}}[codec]
		for _, c := range []struct {
			name string
			send func(t *testing.T, track *Track, one sample) AccessUnit
		}{
			{"SDP only", func(t *testing.T, track *Track, one sample) AccessUnit {
				if track.Format() == nil {
					if err := track.SetParameterSets(append(slices.Clone(sets), nil)...); err != nil {
						t.Fatal(err)
					}
				}
				return parse(t, track, one.nalus, one.pts)
			}},
			{"avcC or hvcC", func(t *testing.T, track *Track, one sample) AccessUnit {
				if err := track.SetConfig(s.config); err != nil {
					t.Fatal(err)
				}
				return parse(t, track, one.nalus, one.pts)
			}},
			{"Annex B extradata", func(t *testing.T, track *Track, one sample) AccessUnit {
				if err := track.SetConfig(annexB(sets)); err != nil {
					t.Fatal(err)
				}
				return parse(t, track, one.nalus, one.pts)
			}},
			{"in band", func(t *testing.T, track *Track, one sample) AccessUnit {
				return parse(t, track, slices.Concat([][]byte{delimiter}, sets, one.nalus), one.pts)
			}},
			{"in band, twice", func(t *testing.T, track *Track, one sample) AccessUnit {
				return parse(t, track, slices.Concat(sets, sets, one.nalus), one.pts)
			}},
			{"an access unit of their own", func(t *testing.T, track *Track, one sample) AccessUnit {
				if u, err := track.Parse(sets, one.pts); u != nil || err != nil {
					t.Fatalf("got %+v, %v", u, err)
				}
				return parse(t, track, one.nalus, one.pts)
			}},
			{"an access unit each", func(t *testing.T, track *Track, one sample) AccessUnit {
				for _, nalu := range sets {
					parse(t, track, [][]byte{nalu}, one.pts)
				}
				return parse(t, track, one.nalus, one.pts)
			}},
			{"one packet", func(t *testing.T, track *Track, one sample) AccessUnit {
				return parse(t, track, append([][]byte{bytes.Join(sets, []byte{0, 0, 0, 1})}, one.nalus...), one.pts)
			}},
			{"one packet, with the picture", func(t *testing.T, track *Track, one sample) AccessUnit {
				return parse(t, track, [][]byte{bytes.Join(slices.Concat([][]byte{delimiter}, sets, one.nalus), startCode)}, one.pts)
			}},
			{"start codes in packets", func(t *testing.T, track *Track, one sample) AccessUnit {
				var packets [][]byte
				for _, nalu := range slices.Concat(sets, one.nalus) {
					packets = append(packets, append([]byte{0, 0, 0, 1}, nalu...))
				}
				return parse(t, track, packets, one.pts)
			}},
			{"Annex B", func(t *testing.T, track *Track, one sample) AccessUnit {
				u, err := track.ParseAnnexB(append(annexB(slices.Concat([][]byte{delimiter}, sets, one.nalus)), 0, 0), one.pts)
				if err != nil {
					t.Fatal(err)
				}
				return *u
			}},
		} {
			t.Run(string(codec)+", "+c.name, func(t *testing.T) {
				track := NewTrack(codec, Options{})
				for i, one := range s.samples {
					u := c.send(t, track, one)
					if u.Key != one.isKey || u.PTS != one.pts || u.Format != track.Format() {
						t.Fatalf("frame %d: %+v", i, u)
					}
					if want := slices.Concat(sets, one.nalus); u.Key && !reflect.DeepEqual(u.NALUs, want) {
						t.Fatalf("frame %d has %d NAL units of %d", i, len(u.NALUs), len(want))
					}
				}
			})
		}
	}
}

// A stream may use several picture parameter sets, and sets that no picture uses stay out.
func TestAllPictureParameterSetsAreInTheFormat(t *testing.T) {
	s := encode(t, H264, "")
	sets := s.parameterSets(t)
	second := func(id, sps uint32) []byte {
		w := &bitWriter{b: []byte{0x68}}
		w.ue(id)
		w.ue(sps)
		w.bits(8, 0xCF)
		return w.b
	}
	track := s.track(t)
	first := parse(t, track, s.samples[0].nalus, 0).Format
	u := parse(t, track, slices.Concat([][]byte{second(1, 0), second(2, 7)}, s.samples[0].nalus), time.Second)
	if want := append(slices.Clone(sets), second(1, 0)); u.Format == first || !reflect.DeepEqual(u.Format.ParameterSets, want) {
		t.Errorf("got % x, expected % x", u.Format.ParameterSets, want)
	}
	if parsed, err := avc.DecodeAVCDecConfRec(u.Format.Config); err != nil || !reflect.DeepEqual(parsed.PPSnalus, u.Format.ParameterSets[1:]) {
		t.Errorf("mp4ff: %+v, %v", parsed, err)
	}
	changed := second(1, 0)
	changed[1] ^= 2
	later := parse(t, track, slices.Concat([][]byte{changed}, s.samples[1].nalus), 2*time.Second)
	if later.Format == u.Format || later.Key || !reflect.DeepEqual(later.NALUs[:3], later.Format.ParameterSets) {
		t.Errorf("got %+v", later)
	}
	if again := parse(t, track, s.samples[2].nalus, 3*time.Second); again.Format != later.Format || len(again.NALUs) != 1 {
		t.Errorf("got %+v", again)
	}
}

func TestAccessUnitHasLengths(t *testing.T) {
	s := encode(t, H264, "")
	u := parse(t, s.track(t), s.samples[0].nalus, 0)
	b := u.AppendTo([]byte("head"))
	if len(b) != 4+u.Size() || !reflect.DeepEqual(splitLengths(t, b[4:]), u.NALUs) {
		t.Errorf("%d bytes, size %d", len(b), u.Size())
	}
}

func TestNewSizeIsANewFormat(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		small, large := encode(t, codec, ""), open(t, testpeer.Clip{Codec: string(codec), Size: "192x144", FPS: 25})
		track, formats := NewTrack(codec, Options{}), []*Format{}
		for round, s := range []*source{small, large, small} {
			for i, one := range s.samples {
				nalus := one.nalus
				if one.isKey {
					nalus = slices.Concat(s.parameterSets(t), nalus)
				}
				if round == 1 && i == 0 { // its keyframe is lost, and its sets arrive with a later one
					nalus = s.parameterSets(t)
				}
				u := parse(t, track, nalus, one.pts+time.Duration(round)*2*time.Second)
				if u.Format != nil && (len(formats) == 0 || formats[len(formats)-1] != u.Format) {
					formats = append(formats, u.Format)
					if !u.Key {
						t.Errorf("%s, round %d: the format changes at frame %d, which is no keyframe", codec, round, i)
					}
				}
			}
		}
		if len(formats) != 3 || formats[0].Width != 160 || formats[1].Width != 192 || formats[1].Height != 144 || formats[2].Width != 160 {
			t.Errorf("%s: %d formats", codec, len(formats))
		}
	}
}

// A camera's SDP that says baseline, while the stream is High, does not matter.
func TestInBandSPSWins(t *testing.T) {
	s, baseline := encode(t, H264, ""), encode(t, H264, "cabac=0:8x8dct=0:weightp=0")
	track := baseline.track(t)
	u := parse(t, track, slices.Concat(s.parameterSets(t), s.samples[0].nalus), 0)
	if u.Format.CodecString != "avc1.64000B" || !bytes.Equal(u.NALUs[0], spsOf(t, s)) || len(u.NALUs) != 2+len(s.samples[0].nalus) {
		t.Errorf("got %s", u.Format.CodecString)
	}
}

func TestStreamWithoutKeyframesIsReported(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		s := encode(t, codec, "keyint=300:intra-refresh=1")
		track := NewTrack(codec, Options{MaxKeyframeInterval: time.Second})
		for i, one := range s.samples[1:] {
			nalus := one.nalus
			if i == 20 {
				nalus = slices.Concat(s.parameterSets(t), nalus)
			}
			u, err := track.Parse(nalus, one.pts)
			if refused := (*RefusedError)(nil); i < 20 && (!errors.As(err, &refused) || refused.Cause != NoParameterSet) {
				t.Fatalf("frame %d: %v", i, err)
			}
			if i == 20 && (u == nil || u.Key || u.Format.Width != 160 || len(u.NALUs) != len(s.parameterSets(t))+len(one.nalus)) {
				t.Fatalf("%+v, %v", u, err)
			}
			if want := i > 20+25; track.IsKeyframeOverdue() != want {
				t.Fatalf("frame %d: overdue %v", i, !want)
			}
		}
		parse(t, track, s.samples[0].nalus, 2*time.Second)
		if track.IsKeyframeOverdue() {
			t.Error("it is overdue at a keyframe")
		}
		track.options.MaxKeyframeFrames = 9
		for i := range 10 {
			parse(t, track, s.samples[1].nalus, 2*time.Second)
			if track.IsKeyframeOverdue() != (i == 9) {
				t.Fatalf("frame %d after the keyframe: %v", i+1, i != 9)
			}
		}
	}
}

func TestKindsOfFrames(t *testing.T) {
	for _, c := range []struct {
		name, params              string
		codec                     Codec
		keys, disposable, leading int
	}{
		{"h264", "keyint=10:min-keyint=10", H264, 5, 0, 0},
		{"h264, B-frames", "bframes=3:b-adapt=0:b-pyramid=none:keyint=50", H264, 1, 36, 0},
		{"h264, open groups", "bframes=3:b-adapt=0:open-gop=1:keyint=10", H264, 1, 24, 0},
		{"h265", "keyint=10:min-keyint=10", H265, 5, 0, 0},
		{"h265, closed groups", "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=0", H265, 5, 20, 0},
		{"h265, open groups", "bframes=3:b-adapt=0:keyint=10:min-keyint=10:open-gop=1", H265, 5, 24, 4},
		{"h265, temporal layers", "bframes=3:b-adapt=0:temporal-layers=1:keyint=50", H265, 1, 24, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := encode(t, c.codec, c.params)
			var keys, disposable, leading int
			var kept, joined []AccessUnit
			for _, u := range s.parseAll(t, s.track(t)) {
				keys += count(u.Key)
				disposable += count(u.Disposable)
				leading += count(u.Leading)
				if !u.Disposable {
					kept = append(kept, u)
				}
				if keys > 1 && !(keys == 2 && u.Leading) {
					joined = append(joined, u)
				}
			}
			if keys != c.keys || disposable != c.disposable || leading != c.leading {
				t.Errorf("%d keyframes, %d disposable, %d leading", keys, disposable, leading)
			}
			// What remains decodes without an error, to the same pictures.
			all := testpeer.DecodedPictures(t, s.path)
			if got := testpeer.DecodedPictures(t, writeStream(t, kept)); len(got) != len(kept) || !isSubset(got, all) {
				t.Errorf("without disposable frames, %d pictures of %d", len(got), len(kept))
			}
			if len(joined) == 0 {
				return
			}
			if got := testpeer.DecodedPictures(t, writeStream(t, joined)); len(got) != len(joined) || !isSubset(got, all) {
				t.Errorf("joined at the second keyframe, %d pictures of %d", len(got), len(joined))
			}
		})
	}
}

// A decoder of fewer layers needs the frames of a lower layer that the same layer does not refer to.
func TestLowerLayersAreNotDisposable(t *testing.T) {
	s := encode(t, H265, "bframes=3:b-adapt=0:temporal-layers=1:keyint=50")
	track := s.track(t)
	for _, one := range s.samples {
		if u := parse(t, track, one.nalus, one.pts); u.Disposable {
			lower := bytes.Clone(one.nalus[0])
			lower[1]-- // nuh_temporal_id_plus1
			if u := parse(t, track, [][]byte{lower}, one.pts); u.Disposable {
				t.Fatal("it is disposable")
			}
			return
		}
	}
	t.Fatal("no disposable frame")
}

// One B slice makes a B-frame.
func TestPictureWithOneBSlice(t *testing.T) {
	units := seedUnits[H264]
	intra, b := []byte{0x01, 0x88, 0xFF}, units[5]
	track := NewTrack(H264, Options{})
	parse(t, track, units[:4], 0)
	parse(t, track, units[4:5], 120*time.Millisecond)
	if u := parse(t, track, [][]byte{b, intra}, 40*time.Millisecond); !u.Format.Reordered || u.PTS != 40*time.Millisecond {
		t.Errorf("got %+v", u)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func isSubset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// NAL units that decoders do not need stay out; SEI stays.
func TestUnneededUnitsAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		codec   Codec
		dropped [][]byte
		sei     []byte
	}{
		{H264, [][]byte{{0x09, 0xF0}, {0x0C, 0xFF, 0x80}, {0x0A}, {0x0B}, {0x18, 1}, {0x00, 1}}, []byte{0x06, 5, 1, 0, 0x80}},
		{H265, [][]byte{{0x46, 1, 0x50}, {0x4C, 1, 0xFF, 0x80}, {0x48, 1}, {0x4A, 1}, {0x7C, 1}, {0x42, 9, 1}}, []byte{0x4E, 1, 5, 1, 0, 0x80}},
	} {
		s := encode(t, c.codec, "")
		u := parse(t, s.track(t), slices.Concat(c.dropped, [][]byte{c.sei}, s.samples[0].nalus, c.dropped), 0)
		if want := slices.Concat(s.parameterSets(t), [][]byte{c.sei}, s.samples[0].nalus); !reflect.DeepEqual(u.NALUs, want) {
			t.Errorf("%s: %d NAL units of %d", c.codec, len(u.NALUs), len(want))
		}
	}
}
