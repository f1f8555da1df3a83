package h26x

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestInvalidAccessUnitsAreRefused(t *testing.T) {
	s, s5 := encode(t, H264, ""), encode(t, H265, "")
	picture, picture5 := s.samples[0].nalus, s5.samples[0].nalus
	many := func(n int, nalu ...byte) [][]byte { return slices.Repeat([][]byte{nalu}, n) }
	for _, c := range []struct {
		name  string
		codec Codec
		nalus [][]byte
		pts   time.Duration
		cause string
	}{
		{"an empty NAL unit", H264, append(many(1), picture...), 0, InvalidUnit},
		{"forbidden_zero_bit", H264, append(many(1, 0xE5, 0x88), picture...), 0, InvalidUnit},
		{"forbidden_zero_bit", H265, append(many(1, 0xA6, 1, 0x88), picture5...), 0, InvalidUnit},
		{"no TemporalId", H265, append(many(1, 0x26, 0, 0x88), picture5...), 0, InvalidUnit},
		{"half a header", H265, append(many(1, 0x26), picture5...), 0, InvalidUnit},
		{"a slice without header", H264, many(1, 0x65), 0, InvalidUnit},
		{"a partition without header", H264, many(1, 0x63, 0x80), 0, InvalidUnit},
		{"too many NAL units", H264, append(many(256, 6, 5, 0, 0x80), picture...), 0, TooLarge},
		{"too many NAL units in one", H264, [][]byte{bytes.Repeat([]byte{6, 5, 0, 0, 1}, 300)}, 0, TooLarge},
		{"too many bytes", H264, [][]byte{append([]byte{0x65}, make([]byte, 8<<20)...)}, 0, TooLarge},
		{"too many parameter sets", H264, append(many(33, 0x68, 0xEE, 0x3C, 0x80), picture...), 0, TooLarge},
		{"a large parameter set", H264, append([][]byte{append([]byte{0x68}, bytes.Repeat([]byte{0xEE}, 1<<16)...)}, picture...), 0, TooLarge},
		{"a short SPS", H264, append(many(1, 0x67, 100, 0), picture...), 0, InvalidSet},
		{"an SPS that ends", H264, append([][]byte{spsOf(t, s)[:8]}, picture...), 0, InvalidSet},
		{"an SPS that ends", H265, append([][]byte{spsOf(t, s5)[:16]}, picture5...), 0, InvalidSet},
		{"a PPS without id", H264, append(many(1, 0x68, 0, 0, 3), picture...), 0, InvalidSet},
		{"an unknown PPS", H264, many(1, 0x65, 0b1_1_00101_0, 0), 0, NoParameterSet},
		{"an unknown PPS", H265, many(1, 0x26, 1, 0b1_0_001000, 0xFF), 0, NoParameterSet},
		{"a PTS of the far future", H264, picture, 1 << 62, InvalidTime},
		{"a PTS of the far past", H264, picture, -1 << 63, InvalidTime},
	} {
		good := map[Codec]*source{H264: s, H265: s5}[c.codec]
		track := good.track(t)
		u, err := track.Parse(c.nalus, c.pts)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Cause != c.cause || u != nil {
			t.Errorf("%s, %s: %+v, %v", c.codec, c.name, u, err)
		}
		if u := parse(t, track, good.samples[0].nalus, 0); !u.Key {
			t.Errorf("%s, %s: the next frame is %+v", c.codec, c.name, u)
		}
	}
}

func TestInvalidStreamsAndRecordsAreRefused(t *testing.T) {
	s, s5 := encode(t, H264, ""), encode(t, H265, "")
	for _, c := range []struct {
		name  string
		parse func(b []byte) error
		input []byte
		cause string
	}{
		{"no start code", annexBParser(H264), []byte{0x65, 1, 2}, InvalidUnit},
		{"bytes before the start code", annexBParser(H264), []byte{1, 0, 0, 1, 0x65}, InvalidUnit},
		{"nothing", annexBParser(H264), nil, InvalidUnit},
		{"too many units", annexBParser(H264), bytes.Repeat([]byte{0, 0, 1, 9}, 257), TooLarge},
		{"too many bytes", annexBParser(H265), make([]byte, 8<<20+1), TooLarge},
		{"short avcC", NewTrack(H264, Options{}).SetConfig, s.config[:6], InvalidSet},
		{"avcC that ends", NewTrack(H264, Options{}).SetConfig, s.config[:20], InvalidSet},
		{"avcC that ends in a PPS", NewTrack(H264, Options{}).SetConfig, s.config[:len(s.config)-5], InvalidSet},
		{"short hvcC", NewTrack(H265, Options{}).SetConfig, s5.config[:22], InvalidSet},
		{"hvcC that ends", NewTrack(H265, Options{}).SetConfig, s5.config[:24], InvalidSet},
		{"large record", NewTrack(H265, Options{}).SetConfig, make([]byte, 1<<20), TooLarge},
	} {
		var refused *RefusedError
		if err := c.parse(c.input); !errors.As(err, &refused) || refused.Cause != c.cause {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func annexBParser(codec Codec) func(b []byte) error {
	return func(b []byte) error {
		_, err := NewTrack(codec, Options{}).ParseAnnexB(b, 0)
		return err
	}
}

// A camera that uses ever new ids gets no more memory, and its stream goes on.
func TestParameterSetsAreBounded(t *testing.T) {
	s := encode(t, H264, "")
	track := s.track(t)
	for i := range uint32(256) {
		w := &bitWriter{b: []byte{0x68}}
		w.ue(i)
		w.ue(0)
		w.bits(1, 1)
		if err := track.SetParameterSets(append(w.b, bytes.Repeat([]byte{0xFF}, 4000)...)); err != nil {
			t.Fatal(err)
		}
		if n := len(track.sets.sets); n > maxSets || track.sets.bytes > maxSetBytes {
			t.Fatalf("%d sets, %d bytes", n, track.sets.bytes)
		}
	}
	if u := parse(t, track, slices.Concat(s.parameterSets(t), s.samples[0].nalus), 0); !u.Key {
		t.Errorf("got %+v", u)
	}
	track = s.track(t)
	for i := range 100 {
		if err := track.SetParameterSets(append([]byte{0x68, 0xFF}, bytes.Repeat([]byte{byte(i + 1)}, 4000)...)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(track.sets.sets); n != 2 {
		t.Errorf("%d sets after one was replaced many times", n)
	}
}
