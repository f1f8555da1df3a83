package h26x

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// seedUnits are parameter sets and slices as encoders write them, so that the fuzz targets need no encoder.
var seedUnits = map[Codec][][]byte{
	H264: {
		{0x67, 0x64, 0x00, 0x0b, 0xac, 0xd9, 0x42, 0x86, 0x7f, 0x9f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60},
		{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0},
		{0x06, 0x05, 0x01, 0x00, 0x80},
		{0x65, 0x88, 0x84, 0x00, 0x33, 0xff},
		{0x41, 0x9a, 0x24, 0x6c, 0x41},
		{0x01, 0x9e, 0x41, 0x79},
		orderCountType1(false),
	},
	H265: {
		{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e, 0x95, 0x98, 0x09},
		{0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e, 0xa0, 0x14, 0x20, 0x7b, 0x59, 0x59, 0xa4, 0x93, 0x2b, 0xc0, 0x5a, 0x70, 0x80, 0x00, 0x01, 0xf4, 0x80, 0x00, 0x30, 0xd4, 0x04},
		{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40},
		{0x26, 0x01, 0xaf, 0x08, 0x46, 0x11},
		{0x02, 0x01, 0xd0, 0x09, 0x7e},
		{0x10, 0x01, 0xd0, 0x09, 0x7e},
	},
}

func FuzzParse(f *testing.F) {
	for codec, units := range seedUnits {
		f.Add(codec == H265, annexB(units))
		f.Add(codec == H265, slices.Concat(annexB(units), annexB(units[3:])))
		f.Add(codec == H265, bytes.Join(units, []byte{0, 0, 1}))
	}
	options := Options{MaxBytes: 4000, MaxUnits: 20}
	f.Fuzz(func(t *testing.T, isH265 bool, in []byte) {
		codec := H264
		if isH265 {
			codec = H265
		}
		given := bytes.Clone(in)
		stream, units := NewTrack(codec, options), NewTrack(codec, options)
		one, err := stream.ParseAnnexB(in, time.Second)
		checkParsed(t, options, one, err)
		split, splitErr := splitAnnexB(nil, in, options.MaxUnits)
		if splitErr == nil && len(in) <= options.MaxBytes {
			two, twoErr := units.Parse(split, time.Second)
			if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(err, twoErr) {
				t.Fatalf("Annex B: %+v, %v\nNAL units: %+v, %v", one, err, two, twoErr)
			}
		}
		last := time.Duration(-1 << 62)
		for i, nalu := range split { // the same as access units of their own
			u, err := stream.Parse([][]byte{nalu}, time.Duration(i%5)*time.Second)
			if checkParsed(t, options, u, err); u != nil {
				if u.DTS <= last {
					t.Fatalf("DTS %v after %v", u.DTS, last)
				}
				last = u.DTS
			}
		}
		if !bytes.Equal(in, given) {
			t.Fatal("the input was written to")
		}
	})
}

// checkParsed checks a result of Parse.
func checkParsed(t *testing.T, options Options, u *AccessUnit, err error) {
	t.Helper()
	if err != nil {
		var refused *RefusedError
		if !errors.As(err, &refused) || !slices.Contains(Causes, refused.Cause) || u != nil {
			t.Fatalf("got %+v, %#v", u, err)
		}
		return
	}
	if u == nil {
		return
	}
	f, data := u.Format, u.AppendTo(nil)
	if f == nil || f.Width < 1 || f.Height < 1 || f.Width > maxSide || f.Height > maxSide || f.CodecString == "" || len(f.ParameterSets) < 2 {
		t.Fatalf("got %+v", f)
	}
	if len(data) != u.Size() || len(data) > options.MaxBytes+maxSetBytes+4*(options.MaxUnits+maxSets) || !reflect.DeepEqual(splitLengths(t, data), u.NALUs) {
		t.Fatalf("%d bytes, size %d", len(data), u.Size())
	}
	if track := NewTrack(f.Codec, Options{}); track.SetConfig(f.Config) != nil {
		t.Fatalf("configuration record % x", f.Config)
	}
}

func FuzzH264SPS(f *testing.F) {
	f.Add(seedUnits[H264][0])
	f.Add(orderCountType1(false))
	f.Add(orderCountType1(true))
	f.Fuzz(func(t *testing.T, nalu []byte) {
		if len(nalu) == 0 {
			return
		}
		nalu[0] = 0x67
		var want h264.SPS
		_, got, err := parseH264SPS(unescape(nil, nalu[1:]))
		// In mediacommon, cropping of monochrome pictures and separate colour planes is not that of H.264, section 7.4.2.1.1.
		if wantErr := want.Unmarshal(nalu); err == nil && got.vui.isValid && wantErr == nil && want.ChromaFormatIdc != 0 && !want.SeparateColourPlaneFlag {
			if got.width != want.Width() || got.height != want.Height() || got.vui.isPresent != (want.VUI != nil) {
				t.Fatalf("got %+v, mediacommon %+v", got, want)
			}
		}
		rewritten := withoutReordering(nalu)
		if rewritten == nil || want.Unmarshal(nalu) != nil {
			return
		}
		if bytes.Contains(rewritten, []byte{0, 0, 0}) || bytes.Contains(rewritten, startCode) {
			t.Fatalf("start code in % x", rewritten)
		}
		checkRewrite(t, nalu, rewritten)
		if withoutReordering(rewritten) != nil {
			t.Fatal("rewritten twice")
		}
	})
}

func FuzzH265SPS(f *testing.F) {
	f.Add(seedUnits[H265][1])
	f.Fuzz(func(t *testing.T, nalu []byte) {
		if len(nalu) < 2 {
			return
		}
		nalu[0] = h265SPS << 1
		var want h265.SPS
		_, got, err := parseH265SPS(unescape(nil, nalu[2:]))
		if want.Unmarshal(nalu) == nil && err == nil && !want.SeparateColourPlaneFlag {
			if got.width != want.Width() || got.height != want.Height() || got.reorder != int(min(want.MaxNumReorderPics[got.topLayer], maxReorder)) {
				t.Fatalf("got %+v, mediacommon %+v", got, want)
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	track := NewTrack(H264, Options{})
	if u, err := track.Parse(seedUnits[H264][:4], 0); err == nil {
		f.Add(false, u.Format.Config)
	}
	f.Add(true, binary.BigEndian.AppendUint32(make([]byte, 22), 0x01A00001))
	f.Fuzz(func(t *testing.T, isH265 bool, in []byte) {
		codec := H264
		if isH265 {
			codec = H265
		}
		var refused *RefusedError
		if err := NewTrack(codec, Options{}).SetConfig(in); err != nil && (!errors.As(err, &refused) || !slices.Contains(Causes, refused.Cause)) {
			t.Fatalf("got %#v", err)
		}
	})
}
