package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"testing"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/framenumber"
	"camd/pkg/source/wire"
)

// decoderPeer is camd's side of a capture that decodes frames.
type decoderPeer struct {
	*testDaemon
	format *wire.VideoFormat // sent last
}

func startDecoder(t testing.TB, start wire.Start) *decoderPeer {
	t.Helper()
	start.Decode = true
	d := &decoderPeer{testDaemon: startCapture(t, start)}
	d.send(wire.Demand{Wanted: true})
	return d
}

// feed sends a frame.
func (d *decoderPeer) feed(f codedFrame) {
	d.t.Helper()
	if f.format != d.format {
		d.send(*f.format)
		d.format = f.format
	}
	if err := d.commands.WriteVideoFrame(f.header, f.fragment); err != nil {
		d.t.Fatal(err)
	}
}

// expect reads the next picture, which must be that of f.
func (d *decoderPeer) expect(f codedFrame) {
	d.t.Helper()
	got, p := d.frame()
	if n := pictureNumber(d.t, p.JPEG); n != f.number || got.Count != f.header.Count || got.Captured != f.header.Captured {
		d.t.Fatalf("picture %d with Count %d and Captured %d, want picture %d, %d, %d", n, got.Count, got.Captured, f.number, f.header.Count, f.header.Captured)
	}
}

// pictureNumber returns the number in a picture.
func pictureNumber(t testing.TB, b []byte) uint32 {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	n, ok := framenumber.Decode(img)
	if !ok {
		t.Fatal("a picture without a number")
	}
	return n
}

// Without B-frames, each picture comes before the next frame is sent. So the decoder adds no frame of delay.
func TestPictureComesBeforeTheNextFrame(t *testing.T) {
	for name, v := range map[string]numberedVideo{
		"h264":          {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10"}},
		"h264 baseline": {codec: h26x.H264, args: []string{"-profile:v", "baseline", "-g", "10"}},
		"h265":          {codec: h26x.H265, args: []string{"-bf", "0", "-g", "10"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.width, v.height, v.fps, v.frames = 320, 192, 25, 40
			d := startDecoder(t, wire.Start{})
			for _, f := range v.encode(t) {
				d.feed(f)
				d.expect(f)
			}
		})
	}
}

// sortByNumber returns frames in the order of display.
func sortByNumber(frames []codedFrame) []codedFrame {
	return slices.SortedFunc(slices.Values(frames), func(a, b codedFrame) int { return cmp.Compare(a.number, b.number) })
}

// With B-frames, pictures come in the order of display, each with the Captured and Count of its own frame. The delay is that of the
// stream's reordering.
func TestReorderedPicturesKeepTheirFrames(t *testing.T) {
	const reorder = 2 // of three B-frames in a pyramid
	for name, v := range map[string]numberedVideo{
		"h264":          {codec: h26x.H264, args: []string{"-bf", "3", "-x264-params", "b-adapt=0:b-pyramid=normal:keyint=25"}},
		"h264 open GOP": {codec: h26x.H264, args: []string{"-bf", "3", "-x264-params", "b-adapt=0:b-pyramid=normal:open-gop=1:keyint=12"}},
		"h265":          {codec: h26x.H265, args: []string{"-x265-params", "bframes=3:b-adapt=0:keyint=25:no-open-gop=1:log-level=none"}},
		"h265 open GOP": {codec: h26x.H265, args: []string{"-x265-params", "bframes=3:b-adapt=0:keyint=12:open-gop=1:log-level=none"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.width, v.height, v.fps, v.frames = 320, 192, 25, 60
			frames := v.encode(t)
			shown := sortByNumber(frames)
			d := startDecoder(t, wire.Start{})
			for i, f := range frames {
				if d.feed(f); i >= reorder {
					d.expect(shown[i-reorder])
				}
			}
		})
	}
}

// A new size or codec needs another pipe. The process goes on, and no picture is lost.
func TestFormatChanges(t *testing.T) {
	clip := func(codec h26x.Codec, width, height, first int, args ...string) []codedFrame {
		return numberedVideo{codec: codec, width: width, height: height, fps: 25, frames: 12, first: first, args: append(args, "-bf", "0", "-g", "6")}.encode(t)
	}
	d := startDecoder(t, wire.Start{})
	for _, frames := range [][]codedFrame{
		clip(h26x.H264, 320, 192, 1), clip(h26x.H264, 640, 384, 101), clip(h26x.H265, 640, 384, 201), clip(h26x.H264, 320, 192, 301),
		clip(h26x.H264, 320, 192, 401, "-profile:v", "baseline"),
	} {
		d.feed(frames[0])
		o, _ := awaitMessage[wire.Opened](d.testDaemon)
		if f := frames[0].format; o.Width != f.Width || o.Height != f.Height || o.Codec != f.Codec || o.Passthrough {
			t.Fatalf("opened %+v, want %+v", o, f)
		}
		d.expect(frames[0])
		for _, f := range frames[1:] {
			d.feed(f)
			d.expect(f)
		}
	}
}

// After a gap, the keyframe and what follows it have the right numbers. Frames that cannot be decoded do not shift them.
func TestGapEndsAtAKeyframe(t *testing.T) {
	for _, codec := range []h26x.Codec{h26x.H264, h26x.H265} {
		t.Run(string(codec), func(t *testing.T) {
			frames := numberedVideo{codec: codec, width: 320, height: 192, fps: 25, frames: 60, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
			d := startDecoder(t, wire.Start{})
			for i, f := range frames {
				if i/5%4 == 1 && i != 10 { // the second half of every other group of pictures
					continue
				}
				d.feed(f)
				d.expect(f)
			}
		})
	}
}

// A frame whose data is cut off is not shown, nor is any frame up to the next keyframe. FFmpeg 5.1 reports such damage for H.264 only.
func TestDamagedFramesAreNotShown(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 320, height: 192, fps: 25, frames: 40, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	d := startDecoder(t, wire.Start{})
	for i, f := range frames {
		if i == 14 {
			n := (len(f.fragment) - fmp4.HeadSize) / 3
			f.fragment = bytes.Clone(f.fragment[:fmp4.HeadSize+n])
			binary.BigEndian.PutUint32(f.fragment[fmp4.HeadSize:], uint32(n-4))
		}
		if d.feed(f); i < 14 || i >= 20 {
			d.expect(f)
		}
	}
}

func TestGarbageIsUndecodable(t *testing.T) {
	garbage := func(t *testing.T, size int) codedFrame {
		random := rand.NewChaCha8([32]byte{1})
		b := make([]byte, fmp4.HeadSize+4+size)
		_, _ = random.Read(b)
		binary.BigEndian.PutUint32(b[fmp4.HeadSize:], uint32(size))
		return codedFrame{fragment: b, format: &wire.VideoFormat{Codec: "h264", CodecString: "avc1.640028", Width: 320, Height: 192}}
	}
	for name, c := range map[string]struct {
		size, interval int  // bytes, milliseconds
		allKey         bool // every frame says that it is a keyframe
	}{"small": {50, 40, false}, "large": {50000, 40, true}, "slow": {2000, 1000, true}, "one byte": {1, 40, false}} {
		t.Run(name, func(t *testing.T) {
			d := startDecoder(t, wire.Start{})
			for i := range 120 {
				f := garbage(t, c.size)
				f.header = wire.VideoFrame{Captured: int64(i*c.interval+1) * 1e6, Count: uint64(i + 1), Key: c.allKey || i%10 == 0}
				if i == 0 {
					d.send(*f.format)
				}
				if d.commands.WriteVideoFrame(f.header, f.fragment) != nil {
					break // it has ended
				}
			}
			if e, _ := awaitMessage[wire.Ended](d.testDaemon); e.Reason != string(camera.Undecodable) || !e.Unsupported {
				t.Errorf("got %+v, want %s", e, camera.Undecodable)
			}
		})
	}
}

// The lengths of NAL units come from outside.
func TestInvalidFragmentsAreLost(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 320, height: 192, fps: 25, frames: 30, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	d := startDecoder(t, wire.Start{})
	d.feed(frames[0])
	d.expect(frames[0])
	for i, fragment := range [][]byte{{1}, make([]byte, fmp4.HeadSize), make([]byte, fmp4.HeadSize+3), make([]byte, fmp4.HeadSize+4),
		append(make([]byte, fmp4.HeadSize), 0xFF, 0xFF, 0xFF, 0xFF, 1)} {
		f := frames[1+i]
		f.fragment = fragment
		d.feed(f)
	}
	d.feed(frames[6]) // refers to a lost frame
	d.feed(frames[10])
	r, _ := awaitMessage[wire.Refused](d.testDaemon)
	if r.Pictures[media.Damaged] != 5 || r.Pictures[media.Lost] != 1 {
		t.Errorf("refused %v", r.Pictures)
	}
	d.expect(frames[10])
}

// The size is the camera's. A decoder takes memory for all pixels.
func TestTooManyPixelsAreNotDecoded(t *testing.T) {
	f := numberedVideo{codec: h26x.H264, width: 320, height: 192, fps: 25, frames: 1}.encode(t)[0]
	for _, size := range [][2]int{{65536, 65536}, {8193, 8192}, {1 << 62, 4}, {0, 0}, {-1, -1}} {
		d := startDecoder(t, wire.Start{})
		f.format = &wire.VideoFormat{Codec: "h264", Width: size[0], Height: size[1]}
		d.feed(f)
		if e, _ := awaitMessage[wire.Ended](d.testDaemon); e.Reason != string(camera.TooLarge) {
			t.Errorf("%v: got %+v, want %s", size, e, camera.TooLarge)
		}
	}
}

func TestJPEGsAreMadeIntoRenditions(t *testing.T) {
	d := startCapture(t, wire.Start{Decode: true, Renditions: []camera.Rendition{{Width: 160, Quality: 80}, {Width: 80, Quality: 80}}})
	for _, wanted := range []uint8{0, 1, 2} {
		d.send(wire.Demand{Rendition: wanted, Wanted: true})
	}
	for i := range 20 {
		count := uint64(1000 + 2*i)
		if err := d.commands.WriteFrame(wire.Frame{Captured: int64(i+1) * 1e6, Count: count}, testpeer.DetailedJPEG(t, 640, 480)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if o, _ := awaitMessage[wire.Opened](d); !o.Passthrough || o.Codec != "mjpeg" || o.Width != 640 || o.Height != 480 {
				t.Fatalf("opened %+v", o)
			}
		}
		for _, rendition := range []uint8{1, 2} {
			f, p := d.frame()
			if f.Rendition != rendition || f.Count != count || f.Captured != int64(i+1)*1e6 || p.Width != 320/int(2*rendition) {
				t.Fatalf("got %+v, %d pixels wide, want rendition %d of %d", f, p.Width, rendition, count)
			}
		}
	}
}

// Without demand there are heartbeats, and no picture.
func TestNoPictureWithoutDemand(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 320, height: 192, fps: 25, frames: 100, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	d := startDecoder(t, wire.Start{})
	d.send(wire.Demand{})
	for i, f := range frames {
		f.header.Captured = int64(i+1) * int64(heartbeatInterval)
		d.feed(f)
		for isBeat := false; !isBeat; {
			switch m := d.next().Message.(type) {
			case wire.Heartbeat:
				if isBeat = true; m.Count != f.header.Count || m.Captured != f.header.Captured {
					t.Fatalf("got %+v for %+v", m, f.header)
				}
			case wire.Frame:
				t.Fatalf("got %+v", m)
			}
		}
	}
}

// It stops at once, whatever the decoder is waiting for.
func TestStopWhileDecoding(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 640, height: 384, fps: 25, frames: 50, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	for name, fed := range map[string]int{"before the first frame": 0, "waiting": 3, "busy": len(frames)} {
		t.Run(name, func(t *testing.T) {
			d := startDecoder(t, wire.Start{})
			for _, f := range frames[:fed] {
				d.feed(f)
			}
			if fed == 3 {
				d.frame()
			}
			d.send(wire.Stop{})
			awaitMessage[wire.Ended](d.testDaemon)
			if err := d.waitEnd(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A decoder whose pictures are all damaged says so, and does not try for ever.
func TestDecoderGivesUpDamagedVideo(t *testing.T) {
	v := numberedVideo{codec: h26x.H264, args: []string{"-g", "1"}, width: 320, height: 192, fps: 25, frames: maxFramesInVain + 20}
	d := startDecoder(t, wire.Start{})
	for _, f := range v.encode(t) {
		last := 0 // where the last NAL unit begins, which is the picture
		for at := fmp4.HeadSize; at < len(f.fragment); at += 4 + int(binary.BigEndian.Uint32(f.fragment[at:])) {
			last = at
		}
		f.fragment = f.fragment[:last+4+12]
		binary.BigEndian.PutUint32(f.fragment[last:], 12)
		d.feed(f)
	}
	if end := recordVideo(d.testDaemon, 0).ended; end.Reason != string(camera.Damaged) {
		t.Errorf("%+v", end)
	}
}
