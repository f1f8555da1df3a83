package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// wallStream is a stream of a wall: a run of frames with one configuration.
type wallStream struct {
	Camera, Track, Codec, Reason string
	Stream                       uint16
	Width, Height                int
	Init                         []byte

	last uint64 // number of the newest frame
}

func (s *wallStream) isVideo() bool { return s.Codec != "jpeg" }

// wallFrame is a frame of a stream.
type wallFrame struct {
	*wallStream
	seq                           uint64
	isKey, isPlaceholder, isLater bool // isLater: there were newer frames already
	taken, arrived                time.Time
	pts, offset                   time.Duration
	data                          []byte
}

const (
	wallLayout       = 2
	wallHeader       = 40
	maxWallMessage   = 32 << 10
	maxWallFrame     = 32 << 20
	wallPlaceholder  = 1
	wallKey          = 2
	wallCatchUp      = 4
	nanosecondsPerUs = 1000
)

// wallFrames assembles the frames of a wall from its messages, and checks that each can be decoded after those before it.
type wallFrames struct {
	streams map[uint16]*wallStream
	pieces  map[uint16]*bytes.Buffer // of incomplete frames
}

// begin begins a stream. The streams of its camera before it have ended.
func (w *wallFrames) begin(s *wallStream) error {
	if w.streams == nil {
		w.streams, w.pieces = map[uint16]*wallStream{}, map[uint16]*bytes.Buffer{}
	}
	w.end(s.Camera)
	if w.streams[s.Stream] != nil || s.Stream == 0 {
		return fmt.Errorf("stream %d begins twice", s.Stream)
	}
	isInit := bytes.Contains(s.Init, []byte("avcC")) || bytes.Contains(s.Init, []byte("hvcC"))
	if s.isVideo() != isInit || s.isVideo() != (s.Width > 0 && s.Height > 0) {
		return fmt.Errorf("stream %d of %s is %s of %dx%d with %d bytes of init", s.Stream, s.Camera, s.Codec, s.Width, s.Height, len(s.Init))
	}
	w.streams[s.Stream] = s
	return nil
}

// end ends the streams of a camera.
func (w *wallFrames) end(camera string) {
	for n, s := range w.streams {
		if s.Camera == camera {
			delete(w.streams, n)
			delete(w.pieces, n)
		}
	}
}

// add adds a message, and returns the frame that it completes, or nil.
func (w *wallFrames) add(b []byte) (*wallFrame, error) {
	if len(b) < wallHeader || len(b) > maxWallMessage || b[0] != wallLayout {
		return nil, fmt.Errorf("a message of %d bytes", len(b))
	}
	n, length, offset := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	stream, piece := w.streams[n], b[wallHeader:]
	if stream == nil {
		return nil, fmt.Errorf("a frame of stream %d, which has ended or not begun", n)
	}
	if offset == 0 { // the rest of a frame before it does not come
		w.pieces[n] = &bytes.Buffer{}
	}
	all := w.pieces[n]
	if all == nil || all.Len() != int(offset) || length > maxWallFrame || int(offset)+len(piece) > int(length) || len(piece) == 0 {
		return nil, fmt.Errorf("%d bytes at %d of %d in stream %d of %s", len(piece), offset, length, n, stream.Camera)
	}
	all.Write(piece)
	if all.Len() < int(length) {
		return nil, nil
	}
	delete(w.pieces, n)
	f := &wallFrame{
		wallStream: stream, data: all.Bytes(), arrived: time.Now(), seq: binary.BigEndian.Uint64(b[12:]),
		isPlaceholder: b[1]&wallPlaceholder != 0, isKey: b[1]&wallKey != 0, isLater: b[1]&wallCatchUp != 0,
		taken: time.UnixMicro(int64(binary.BigEndian.Uint64(b[20:]))),
		pts:   time.Duration(binary.BigEndian.Uint64(b[28:])) * nanosecondsPerUs, offset: time.Duration(int32(binary.BigEndian.Uint32(b[36:]))) * nanosecondsPerUs,
	}
	return f, stream.check(f)
}

// check checks that a frame can be decoded after those before it. The cameras of the tests send frames that all refer to the one before
// them, so a gap has to end with a keyframe.
func (s *wallStream) check(f *wallFrame) error {
	isFirst, last := s.last == 0, s.last
	if f.seq <= last {
		return fmt.Errorf("%s: frame %d after %d", s.Camera, f.seq, last)
	}
	s.last = f.seq
	if !s.isVideo() {
		if !bytes.HasPrefix(f.data, []byte{0xFF, 0xD8}) || !bytes.HasSuffix(f.data, []byte{0xFF, 0xD9}) || !f.isKey {
			return fmt.Errorf("%s: frame %d is not a whole JPEG", s.Camera, f.seq)
		}
		return nil
	}
	if !f.isKey && (isFirst || f.seq != last+1) {
		return fmt.Errorf("%s: frame %d of track %s follows %d, and is no keyframe", s.Camera, f.seq, s.Track, last)
	}
	if units := f.units(); units == nil || f.isKey && len(units) < 3 {
		return fmt.Errorf("%s: frame %d of %d bytes has %d NAL units", s.Camera, f.seq, len(f.data), len(units))
	}
	return nil
}

// units returns the NAL units of a frame of video. It is nil if they do not fill the frame.
func (f *wallFrame) units() (units [][]byte) {
	for rest := f.data; len(rest) > 0; {
		if len(rest) < 4 {
			return nil
		}
		n := int(binary.BigEndian.Uint32(rest))
		if n == 0 || n > len(rest)-4 {
			return nil
		}
		units, rest = append(units, rest[4:4+n]), rest[4+n:]
	}
	return units
}

// annexB returns a frame of video as a decoder takes it from a file: with start codes.
func (f *wallFrame) annexB() (b []byte) {
	for _, unit := range f.units() {
		b = append(append(b, 0, 0, 0, 1), unit...)
	}
	return b
}
