package rtsp

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"camd/internal/testpeer"
	"camd/pkg/media/h26x"
)

// A camera whose picture size changes goes on with another format, at a keyframe.
func TestSizeChanges(t *testing.T) {
	first := loadClip(t, testpeer.Clip{Codec: "h264", Size: "160x120", FPS: 25})
	second := loadClip(t, testpeer.Clip{Codec: "h264", Size: "320x240", FPS: 25})
	a, b := first.rtp(t, inBand), second.rtp(t, inBand)
	sequence, stamp := a[0][0].SequenceNumber, a[0][0].Timestamp
	for i, frame := range slices.Concat(a, b) {
		for _, p := range frame {
			p.SSRC, p.SequenceNumber, p.Timestamp = a[0][0].SSRC, sequence, stamp+uint32(i)*3600
			sequence++
		}
	}
	served := &testpeer.RTSPCamera{Description: sdp(t, first.media(inSDP)), Play: sendAll(slices.Concat(a, b))}
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://"+served.Serve(t)+"/cam")), closed)
	if len(r.drops) > 0 || len(r.frames) != len(a)+len(b) {
		t.Fatalf("%d frames of %d, left out %v", len(r.frames), len(a)+len(b), r.drops)
	}
	for i, f := range r.frames {
		width := 160
		if i >= len(a) {
			width = 320
		}
		if f.Unit.Format.Width != width {
			t.Errorf("frame %d: %d pixels", i, f.Unit.Format.Width)
		}
	}
	if !r.frames[len(a)].Unit.Key {
		t.Error("the format changes without a keyframe")
	}
}

// Another SSRC is another stream of packets: time goes on, from the next keyframe.
func TestSourceChanges(t *testing.T) {
	c := load(t, h26x.H264, "keyint=25:min-keyint=25")
	frames := c.rtp(t, inSDP)
	for _, frame := range frames[30:] {
		for _, p := range frame {
			p.SSRC++
			p.Timestamp += 1 << 30
			p.SequenceNumber += 1000
		}
	}
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: sendAll(frames)}
	r := &recorder{}
	wantError(t, read(t, r.options("rtsp://"+served.Serve(t)+"/cam")), closed)
	if len(r.frames) != 30 || r.drops[Lost] != 20 { // 31 to 49 have no keyframe; the change itself counts once
		t.Errorf("%d frames, left out %v", len(r.frames), r.drops)
	}
}

// packetsOf returns a reader of packets, and counts what it calls back with.
func packetsOf(t testing.TB, f format.Format, maxBytes int) (r *packetReader, units *int, losses map[string]int) {
	t.Helper()
	units, losses = new(int), map[string]int{}
	r, err := newPacketReader(f, maxBytes, func(unit) { *units++ }, func(cause string) { losses[cause]++ })
	if err != nil {
		t.Fatal(err)
	}
	return r, units, losses
}

func TestBoundsOfAUnit(t *testing.T) {
	for name, payload := range map[string][]byte{
		"bytes":         append([]byte{h264FUA, 1}, bytes.Repeat([]byte{1}, 1000)...),
		"empty packets": {h264FUA, 1},
	} {
		r, units, losses := packetsOf(t, &format.H264{PayloadTyp: 96, PacketizationMode: 1}, 1<<20)
		r.add(&rtp.Packet{Header: rtp.Header{}, Payload: []byte{h264FUA, 0x85, 0xFF}})
		for i := range 20_000 {
			r.add(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i + 1)}, Payload: payload})
		}
		if *units != 0 || losses[h26x.TooLarge] != 1 || len(losses) != 1 || r.packets != 0 {
			t.Errorf("%s: %d units, left out %v", name, *units, losses)
		}
	}
}

func TestFormatsInAnotherOrderNeedADecoder(t *testing.T) {
	for _, f := range []format.Format{&format.H264{PacketizationMode: 2}, &format.H265{MaxDONDiff: 1}} {
		_, err := newPacketReader(f, 1, nil, nil)
		wantError(t, err, Error{Reason: "bad_stream", NeedsDecoder: true, Detail: "the camera sends video in an order that camd cannot read: set reader to opencv"})
	}
}

// FuzzPackets lets a stream take any packets. Whatever they are, its first frame is a keyframe.
func FuzzPackets(f *testing.F) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		c := load(f, codec, "")
		var seed []byte
		for _, frame := range c.rtp(f, inBand)[:2] {
			for _, p := range frame {
				n := min(len(p.Payload), 40)
				seed = append(seed, byte(n), 1, 0)
				seed = append(seed, p.Payload[:n]...)
			}
		}
		f.Add(codec == h26x.H265, seed)
	}
	f.Fuzz(func(t *testing.T, isH265 bool, data []byte) {
		media := (&clip{codec: h26x.H264}).media(0)
		if isH265 {
			media = (&clip{codec: h26x.H265}).media(0)
		}
		r := &recorder{}
		o := r.options("rtsp://x/").withDefaults()
		s, err := newStream(o, media.Formats[0], func(*Error) {})
		if err != nil {
			t.Fatal(err)
		}
		header := rtp.Header{}
		for len(data) > 3 {
			n := min(int(data[0]), len(data)-3)
			header.SequenceNumber += uint16(int8(data[1]))
			header.Timestamp += uint32(data[2]&0x7F) << 9
			header.Marker = data[2]&0x80 != 0
			s.addPacket(&rtp.Packet{Header: header, Payload: bytes.Clone(data[3 : 3+n])}, s.packetAt)
			data = data[3+n:]
		}
		for i, frame := range r.frames {
			if i == 0 && !frame.Unit.Key || frame.Captured.After(frame.Arrived) {
				t.Errorf("frame %d: %+v", i, frame)
			}
		}
	})
}
