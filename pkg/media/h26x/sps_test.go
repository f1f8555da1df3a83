package h26x

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// spsOf returns a source's sequence parameter set.
func spsOf(t testing.TB, s *source) []byte {
	t.Helper()
	for _, nalu := range s.parameterSets(t) {
		if s.codec == H264 && nalu[0]&0x1F == h264SPS || s.codec == H265 && nalu[0]>>1 == h265SPS {
			return nalu
		}
	}
	t.Fatal("no SPS")
	return nil
}

// probeStream returns a value that ffprobe has for a file's stream.
func probeStream(t testing.TB, path, entry string) string {
	t.Helper()
	ffprobe := testpeer.RequireProgram(t, "ffprobe", "ffmpeg")
	out, err := testrun.Run(t, ffprobe, "-v", "error", "-show_entries", "stream="+entry, "-of", "default=noprint_wrappers=1:nokey=1", path)
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	return strings.TrimSpace(out)
}

func TestFormatIsWhatFFmpegReads(t *testing.T) {
	for _, c := range []struct {
		clip        testpeer.Clip
		codecString string
	}{
		{testpeer.Clip{Codec: "h264", Size: "160x120"}, "avc1.64000B"},
		{testpeer.Clip{Codec: "h264", Size: "162x122"}, "avc1.64000B"}, // cropped
		{testpeer.Clip{Codec: "h264", Size: "162x120", Encoder: "interlaced=1"}, "avc1.640015"},
		{testpeer.Clip{Codec: "h264", Size: "1920x1080", FPS: 5, Encoder: "bframes=2"}, "avc1.640028"},
		{testpeer.Clip{Codec: "h264", Size: "160x120", Encoder: "cabac=0:8x8dct=0:weightp=0:bframes=0"}, "avc1.42C00B"},
		{testpeer.Clip{Codec: "h265", Size: "160x120"}, "hvc1.1.6.L60.90"},
		{testpeer.Clip{Codec: "h265", Size: "162x122"}, "hvc1.1.6.L60.90"},
		{testpeer.Clip{Codec: "h265", Size: "160x120", FPS: 25, Encoder: "bframes=3:b-adapt=0:temporal-layers=1"}, "hvc1.1.6.L30.90"},
	} {
		s := open(t, c.clip)
		u := parse(t, s.track(t), s.samples[0].nalus, 0)
		f := u.Format
		size := strconv.Itoa(f.Width) + "x" + strconv.Itoa(f.Height)
		if size != c.clip.Size || f.CodecString != c.codecString || f.Codec != s.codec {
			t.Errorf("%+v: got %s %s", c.clip, size, f.CodecString)
		}
		if want := mp4ffCodecString(t, s); f.CodecString != want {
			t.Errorf("%+v: codec string %s, mp4ff's %s", c.clip, f.CodecString, want)
		}
		if want := probeStream(t, s.path, "has_b_frames") != "0"; f.Reordered != want {
			t.Errorf("%+v: reordered %v, ffprobe says %v", c.clip, f.Reordered, want)
		}
		if s.codec == H265 && !bytes.Equal(f.Config[:13], append([]byte{1}, f.sps.profile...)) {
			t.Errorf("%+v: % x", c.clip, f.Config)
		}
	}
}

func mp4ffCodecString(t *testing.T, s *source) string {
	t.Helper()
	if s.codec == H264 {
		parsed, err := avc.ParseSPSNALUnit(spsOf(t, s), true)
		if err != nil {
			t.Fatal(err)
		}
		return avc.CodecString("avc1", parsed)
	}
	parsed, err := hevc.ParseSPSNALUnit(spsOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return hevc.CodecString("hvc1", parsed)
}

func TestSPSIsWhatMediacommonReads(t *testing.T) {
	for _, c := range clips {
		nalu := spsOf(t, encode(t, c.codec, c.params))
		if c.codec == H264 {
			compareH264(t, nalu)
		} else {
			compareH265(t, nalu)
		}
	}
}

func compareH264(t *testing.T, nalu []byte) {
	t.Helper()
	var want h264.SPS
	if err := want.Unmarshal(nalu); err != nil {
		t.Fatal(err)
	}
	id, got, err := parseH264SPS(unescape(nil, nalu[1:]))
	if err != nil || id != want.ID || got.width != want.Width() || got.height != want.Height() || got.referenceFrames != want.MaxNumRefFrames ||
		got.chromaFormat != want.ChromaFormatIdc || got.lumaDepth != want.BitDepthLumaMinus8 {
		t.Errorf("got %+v, %v; mediacommon %+v", got, err, want)
	}
	r := want.VUI.BitstreamRestriction
	if !got.vui.isValid || got.vui.hasRestriction != (r != nil) || r != nil && got.reorder != int(r.MaxNumReorderFrames) {
		t.Errorf("got %+v, mediacommon %+v", got, r)
	}
}

func compareH265(t *testing.T, nalu []byte) {
	t.Helper()
	var want h265.SPS
	if err := want.Unmarshal(nalu); err != nil {
		t.Fatal(err)
	}
	id, got, err := parseH265SPS(unescape(nil, nalu[2:]))
	if err != nil || id != uint32(want.ID) || got.width != want.Width() || got.height != want.Height() || got.topLayer != want.MaxSubLayersMinus1 ||
		got.chromaFormat != want.ChromaFormatIdc || got.isNested != want.TemporalIDNestingFlag || got.vps != uint32(want.VPSID) {
		t.Errorf("got %+v, %v; mediacommon %+v", got, err, want)
	}
	if got.reorder != int(want.MaxNumReorderPics[want.MaxSubLayersMinus1]) {
		t.Errorf("got %d, mediacommon %v", got.reorder, want.MaxNumReorderPics)
	}
}

// Encoders that describe their temporal layers send profile or level of each. mediacommon refuses that.
func TestSPSWithSubLayerLevels(t *testing.T) {
	s := encode(t, H265, "bframes=3:b-adapt=0:temporal-layers=1")
	nalu := spsOf(t, s)
	payload := unescape(nil, nalu[2:])
	_, want, err := parseH265SPS(payload)
	if err != nil || want.topLayer == 0 {
		t.Fatalf("got %+v, %v", want, err)
	}
	w := &bitWriter{b: bytes.Clone(payload[:13])}
	for i := range 8 {
		w.bits(2, uint32(3*count(i < int(want.topLayer)))) // sub_layer_profile_present_flag, sub_layer_level_present_flag
	}
	for range int(want.topLayer) * 12 { // 88 bits of profile, 8 of level
		w.bits(8, 1)
	}
	w.b = append(w.b, payload[15:]...)
	longer := escape(bytes.Clone(nalu[:2]), w.b)
	if _, got, err := parseH265SPS(unescape(nil, longer[2:])); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if parsed, err := hevc.ParseSPSNALUnit(longer); err != nil || parsed.PicWidthInLumaSamples != 160 {
		t.Errorf("mp4ff: %+v, %v", parsed, err)
	}
}

// orderCountType1 builds an SPS with pic_order_cnt_type 1, which no encoder here writes, of 640x480. With hasVUI, its VUI ends in the middle.
func orderCountType1(hasVUI bool) []byte {
	w := &bitWriter{b: []byte{0x67, 77, 0, 30}}
	w.ue(0)      // id
	w.ue(4)      // log2_max_frame_num_minus4
	w.ue(1)      // pic_order_cnt_type
	w.bits(1, 0) // delta_pic_order_always_zero_flag
	w.ue(3)      // offset_for_non_ref_pic
	w.ue(0)      // offset_for_top_to_bottom_field
	w.ue(2)      // num_ref_frames_in_pic_order_cnt_cycle
	w.ue(7)
	w.ue(8)
	w.ue(2)      // max_num_ref_frames
	w.bits(1, 0) // gaps_in_frame_num_value_allowed_flag
	w.ue(39)
	w.ue(29)
	w.bits(3, 6) // frame_mbs_only_flag, direct_8x8_inference_flag, no cropping
	if hasVUI {
		w.bits(3, 7)
	} else {
		w.bits(2, 1)
	}
	return escape(nil, w.b)
}

// Streams that mediacommon's extractor of decode times refuses have a format, and times.
func TestOrderCountType1GoesThrough(t *testing.T) {
	for _, hasBrokenVUI := range []bool{false, true} {
		track := NewTrack(H264, Options{})
		if err := track.SetParameterSets(orderCountType1(hasBrokenVUI), []byte{0x68, 0xEE, 0x3C, 0x80}); err != nil {
			t.Fatal(err)
		}
		u := parse(t, track, [][]byte{{0x65, 0x88, 0x84, 0x21}}, 40_000_000)
		if f := u.Format; f.Width != 640 || f.Height != 480 || f.CodecString != "avc1.4D001E" || u.DTS != u.PTS || !u.Key {
			t.Errorf("got %+v, %+v", u, f)
		}
		if isRewritten := !bytes.Equal(u.NALUs[0], orderCountType1(hasBrokenVUI)); isRewritten == hasBrokenVUI {
			t.Errorf("VUI broken: %v, SPS rewritten: %v", hasBrokenVUI, isRewritten)
		}
	}
}

func TestEmulationPreventionIsReversible(t *testing.T) {
	for _, payload := range [][]byte{nil, {0}, {0, 0}, {0, 0, 0}, {0, 0, 1, 0, 0, 2, 0, 0, 3}, {0, 0, 0, 0, 0, 0}, {1, 2, 3}, {0, 0, 4}, {0, 0, 3, 0, 0}} {
		escaped := escape(nil, payload)
		if bytes.Contains(escaped, startCode) || bytes.Contains(escaped, []byte{0, 0, 0}) {
			t.Errorf("% x: % x", payload, escaped)
		}
		if got := unescape(nil, escaped); !bytes.Equal(got, payload) || !reflect.DeepEqual(got, h264.EmulationPreventionRemove(escaped)) && len(payload) > 0 {
			t.Errorf("% x: % x", payload, got)
		}
	}
}
