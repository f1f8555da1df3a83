package h26x

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"camd/internal/testpeer"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// withoutRestriction returns an SPS as cameras send it: without a bitstream restriction, and without a VUI if hasVUI is false.
func withoutRestriction(t testing.TB, nalu []byte, hasVUI bool) []byte {
	t.Helper()
	payload := unescape(nil, nalu[1:])
	_, s, err := parseH264SPS(payload)
	if err != nil || !s.vui.isValid {
		t.Fatalf("%v, %+v", err, s)
	}
	cut := func(pos int) []byte {
		w := copyBits(payload, pos)
		w.bits(2, 1) // the flag, and the end
		return escape(bytes.Clone(nalu[:1]), w.b)
	}
	if hasVUI {
		return cut(s.vui.pos)
	}
	var whole h264.SPS
	if err := whole.Unmarshal(nalu); err != nil {
		t.Fatal(err)
	}
	whole.VUI = nil
	for pos := s.vui.pos; pos > 0; pos-- { // mediacommon knows where the VUI begins
		var short h264.SPS
		if err := short.Unmarshal(cut(pos)); err == nil && reflect.DeepEqual(short, whole) {
			return cut(pos)
		}
	}
	t.Fatal("found no VUI")
	return nil
}

// strip returns a source whose SPS has no restriction, and sends it in front of each keyframe.
func strip(t testing.TB, s *source, hasVUI bool) *source {
	t.Helper()
	sets := s.parameterSets(t)
	for i, nalu := range sets {
		if nalu[0]&0x1F == h264SPS {
			sets[i] = withoutRestriction(t, nalu, hasVUI)
		}
	}
	stripped := &source{path: s.path, codec: s.codec}
	for _, one := range s.samples {
		if one.isKey {
			one.nalus = append(append([][]byte(nil), sets...), one.nalus...)
		}
		stripped.samples = append(stripped.samples, one)
	}
	return stripped
}

// writeStream writes access units as an Annex B stream.
func writeStream(t testing.TB, units []AccessUnit) string {
	t.Helper()
	var b []byte
	for _, u := range units {
		b = append(b, annexB(u.NALUs)...)
	}
	path := filepath.Join(t.TempDir(), "stream."+string(units[0].Format.Codec))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSPSWithoutRestrictionIsRewritten(t *testing.T) {
	for _, params := range []string{"", "ref=4:interlaced=1", "nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500", "keyint=1"} {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			s := encode(t, H264, params)
			for _, hasVUI := range []bool{true, false} {
				units := strip(t, s, hasVUI).parseAll(t, NewTrack(H264, Options{}))
				checkRewrite(t, withoutRestriction(t, spsOf(t, s), hasVUI), units[0].NALUs[0])
				for _, u := range units {
					if u.Format != units[0].Format || u.Format.Reordered {
						t.Fatalf("format %+v, then %+v", units[0].Format, u.Format)
					}
				}
				checkStream(t, writeStream(t, units), s)
			}
		})
	}
}

// checkStream checks that a stream has the header and the pictures of its source.
func checkStream(t *testing.T, path string, s *source) {
	t.Helper()
	const entries = "has_b_frames,width,height,profile,level"
	if got, want := probeStream(t, path, entries), probeStream(t, s.path, entries); got != want {
		t.Errorf("ffprobe reads %q of %q", got, want)
	}
	if got, want := testpeer.DecodedPictures(t, path), testpeer.DecodedPictures(t, s.path); !reflect.DeepEqual(got, want) || len(got) != len(s.samples) {
		t.Errorf("%d frames of %d, or other pictures", len(got), len(want))
	}
}

// checkRewrite checks that mediacommon reads the same from two SPS, except for the restriction.
func checkRewrite(t testing.TB, original, rewritten []byte) {
	t.Helper()
	var before, after h264.SPS
	if err := before.Unmarshal(original); err != nil {
		t.Fatal(err)
	}
	if err := after.Unmarshal(rewritten); err != nil {
		t.Fatal(err)
	}
	if after.VUI == nil || after.VUI.BitstreamRestriction == nil {
		t.Fatalf("no restriction: %+v", after)
	}
	if r := after.VUI.BitstreamRestriction; r.MaxNumReorderFrames != 0 || r.MaxDecFrameBuffering != max(before.MaxNumRefFrames, 1) || !r.MotionVectorsOverPicBoundariesFlag {
		t.Fatalf("restriction %+v", r)
	}
	if before.VUI == nil {
		before.VUI = &h264.SPS_VUI{}
	}
	after.VUI.BitstreamRestriction = nil
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("before: %+v\nafter: %+v", before, after)
	}
}

func TestSPSWithRestrictionIsKept(t *testing.T) {
	s := encode(t, H264, "")
	u := parse(t, s.track(t), s.samples[0].nalus, 0)
	if !bytes.Equal(u.NALUs[0], spsOf(t, s)) {
		t.Error("it was rewritten")
	}
}

func TestSPSWithMoreBehindTheVUIIsKept(t *testing.T) {
	for _, hasVUI := range []bool{true, false} {
		nalu := withoutRestriction(t, spsOf(t, encode(t, H264, "")), hasVUI)
		if got := withoutReordering(append(bytes.Clone(nalu), 0x55)); got != nil {
			t.Errorf("got % x", got)
		}
		if got := withoutReordering(append(bytes.Clone(nalu), 0, 0)); !bytes.Equal(got, withoutReordering(nalu)) || got == nil {
			t.Errorf("with zeros, got % x", got)
		}
	}
}

func TestFirstBFrameEndsRewriting(t *testing.T) {
	s := encode(t, H264, "bframes=3:b-adapt=0:b-pyramid=normal:keyint=10:min-keyint=10")
	original := withoutRestriction(t, spsOf(t, s), true)
	track, formats, newest := NewTrack(H264, Options{}), []*Format{}, time.Duration(-1)
	var units []AccessUnit
	for i, one := range strip(t, s, true).samples {
		u := parse(t, track, one.nalus, one.pts)
		units = append(units, u)
		if len(formats) == 0 || formats[len(formats)-1] != u.Format {
			formats = append(formats, u.Format)
		}
		if wasBack := newest > one.pts; len(formats) == 1 && wasBack {
			t.Fatalf("frame %d is a B-frame, and the format %+v is old", i, u.Format)
		}
		if newest = max(newest, one.pts); u.Key && bytes.Equal(u.NALUs[0], original) != u.Format.Reordered {
			t.Fatalf("frame %d: SPS % x, reordered %v", i, u.NALUs[0], u.Format.Reordered)
		}
		if u.PTS != one.pts || i > 10 && u.DTS != one.dts {
			t.Errorf("frame %d: PTS %v, DTS %v; encoder %v, %v", i, u.PTS, u.DTS, one.pts, one.dts)
		}
	}
	if len(formats) != 2 || formats[0].Reordered || !formats[1].Reordered {
		t.Errorf("%d formats", len(formats))
	}
	// A decoder that began with the first format misses some pictures, until it has seen how deep the reordering is.
	got, want := testpeer.DecodedPictures(t, writeStream(t, units)), testpeer.DecodedPictures(t, s.path)
	if n := len(want) - 20; len(got) < n || !reflect.DeepEqual(got[len(got)-n:], want[20:]) {
		t.Errorf("%d pictures of %d, or others", len(got), len(want))
	}
}
