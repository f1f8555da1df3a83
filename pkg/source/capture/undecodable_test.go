package capture

import (
	"bytes"
	"encoding/binary"
	"testing"

	"camd/pkg/camera"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// oddDepths are videos that FFmpeg does not decode: with 10 bits of brightness and 9 of colour, as the profiles High 10 (H.264) and Main 10
// (H.265) allow.
func oddDepths(t *testing.T, codec h26x.Codec) []codedFrame {
	v := numberedVideo{codec: codec, width: 320, height: 192, fps: 25, frames: 90, args: []string{"-pix_fmt", "yuv420p10le", "-g", "30"}}
	frames := v.encode(t)
	for i, f := range frames {
		if f.header.Key {
			frames[i].fragment = bytes.Clone(f.fragment)
			forEachNALUnit(frames[i].fragment, func(nalu []byte) { reduceChromaDepth(codec, nalu) })
		}
	}
	return frames
}

// forEachNALUnit calls do with each NAL unit of a fragment.
func forEachNALUnit(fragment []byte, do func(nalu []byte)) {
	for b := fragment[fmp4.HeadSize:]; len(b) > 0; {
		n := 4 + binary.BigEndian.Uint32(b)
		do(b[4:n])
		b = b[n:]
	}
}

// reduceChromaDepth changes bit_depth_chroma_minus8 of a sequence parameter set from 2 to 1, which also takes three bits. The positions are those
// of the sets of x264 and x265 for this size (H.264, section 7.3.2.1.1; H.265, section 7.3.2.2.1).
func reduceChromaDepth(codec h26x.Codec, nalu []byte) {
	switch {
	case codec == h26x.H264 && nalu[0]&0x1F == 7:
		nalu[5] ^= 0x40
	case codec == h26x.H265 && nalu[0]>>1 == 33:
		nalu[23] ^= 0x20
	}
}

// A video that FFmpeg does not decode ends the process with a reason, after two keyframes or fewer than a hundred frames.
func TestUndecodableVideo(t *testing.T) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		frames := oddDepths(t, codec)
		for name, feed := range map[string]func(d *decoderPeer){
			"all frames": func(d *decoderPeer) {
				for _, f := range frames {
					d.feedAny(f)
				}
			},
			"keyframes": func(d *decoderPeer) {
				for _, f := range frames {
					if f.header.Key {
						d.feedAny(f.last())
					}
				}
			},
			"one group again and again": func(d *decoderPeer) {
				for range 3 {
					for i, f := range frames[:60] {
						f.header.Hidden, f.header.Last = i%30 < 29, i%30 == 29
						d.feedAny(f)
					}
				}
			},
		} {
			t.Run(string(codec)+" "+name, func(t *testing.T) {
				d := startDecoder(t, wire.Start{})
				feed(d)
				if e, _ := awaitMessage[wire.Ended](d.testDaemon); e.Reason != string(camera.Undecodable) || !e.Unsupported {
					t.Errorf("got %+v, want %s", e, camera.Undecodable)
				}
			})
		}
	}
}

// feedAny sends a frame to a decoder that may have ended.
func (d *decoderPeer) feedAny(f codedFrame) {
	if f.format != d.format {
		_ = d.commands.Write(*f.format)
		d.format = f.format
	}
	_ = d.commands.WriteVideoFrame(f.header, f.fragment)
}

// A stream that is damaged is not undecodable: the pictures come once it is whole. After the first picture, nothing makes it undecodable.
func TestDamagedVideoIsNotUndecodable(t *testing.T) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		t.Run(string(codec), func(t *testing.T) {
			frames := numberedVideo{codec: codec, width: 320, height: 192, fps: 25, frames: 240, args: []string{"-bf", "0", "-g", "60"}}.encode(t)
			d := startDecoder(t, wire.Start{})
			for i, f := range frames {
				if i < 60 || i > 60 {
					f.fragment = bytes.Clone(f.fragment)
					forEachNALUnit(f.fragment, func(nalu []byte) { clear(nalu[min(2, len(nalu)):]) })
				}
				if d.feedAny(f); i == 60 {
					d.expect(f)
				}
			}
			if e, _ := awaitMessage[wire.Ended](d.testDaemon); e.Reason != string(camera.BadStream) || e.Unsupported {
				t.Errorf("got %+v, want %s", e, camera.BadStream)
			}
		})
	}
}
