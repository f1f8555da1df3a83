package wall

import (
	"encoding/binary"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
)

// video is the frames of a real encoder. It goes round without end: the times go on.
type video struct {
	frames []broker.Frame
	length time.Duration
	next   int
}

// Clips of a few hundred frames, with a keyframe in each second.
var (
	clip      = testpeer.Clip{Codec: "h264", FPS: 25, Encoder: "keyint=25:min-keyint=25:scenecut=0"}
	otherClip = testpeer.Clip{Codec: "h264", FPS: 25, Size: "160x120", Encoder: "keyint=25:min-keyint=25:scenecut=0"}
)

// gop is how many frames a group of pictures of the clips has.
const gop = 25

// newVideo returns the video of a clip.
func newVideo(t testing.TB, c testpeer.Clip) *video {
	t.Helper()
	path := c.Make(t)
	v := &video{}
	track := h26x.NewTrack(h26x.Codec(c.Codec), h26x.Options{})
	if err := track.SetConfig(testpeer.DecoderConfig(t, path)); err != nil {
		t.Fatal(err)
	}
	formats := map[*h26x.Format]*broker.Format{}
	for _, p := range testpeer.Packets(t, path) {
		u, err := track.Parse(splitUnits(p.Data), p.PTS)
		if err != nil {
			t.Fatal(err)
		}
		f := formats[u.Format]
		if f == nil {
			f = &broker.Format{Codec: string(u.Format.Codec), CodecString: u.Format.CodecString, Width: u.Format.Width, Height: u.Format.Height, Init: fmp4.NewInit(u.Format)}
			formats[u.Format] = f
		}
		wire := fmp4.NewFragment(u)
		v.frames = append(v.frames, broker.Frame{
			PTS: u.PTS, DTS: u.DTS, Key: u.Key, Disposable: u.Disposable, Leading: u.Leading, Format: f, Wire: wire, Data: wire[fmp4.HeadSize:],
		})
	}
	v.length = time.Duration(len(v.frames)) * time.Second / time.Duration(c.FPS)
	return v
}

// splitUnits splits NAL units that each follow their length in 4 bytes.
func splitUnits(b []byte) (units [][]byte) {
	for len(b) > 0 {
		n := 4 + binary.BigEndian.Uint32(b)
		units, b = append(units, b[4:n]), b[n:]
	}
	return units
}

// take returns the next n frames of the video.
func (v *video) take(n int) (frames []broker.Frame) {
	for range n {
		f := v.frames[v.next%len(v.frames)]
		round := time.Duration(v.next/len(v.frames)) * v.length
		f.PTS, f.DTS, f.Captured = f.PTS+round, f.DTS+round, time.Now()
		frames = append(frames, f)
		v.next++
	}
	return frames
}
