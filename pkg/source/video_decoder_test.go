package source

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/source/wire"
)

var sampleFormat = wire.VideoFormat{Codec: "h264", CodecString: "avc1.640028", Width: 64, Height: 48, Init: []byte("init")}

// decodeVideo sends messages through a videoDecoder, frames with Size bytes. It returns the events, and the first error.
func decodeVideo(t *testing.T, limits media.Limits, messages ...wire.Message) (events []event, err error) {
	t.Helper()
	var b bytes.Buffer
	out := wire.NewWriter(&b)
	for _, m := range append([]wire.Message{wire.Hello{Version: wire.Version}}, messages...) {
		if f, ok := m.(wire.VideoFrame); ok {
			err = out.WriteVideoFrame(f, make([]byte, f.Size))
		} else {
			err = out.Write(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in, d := wire.NewReader(&b), videoDecoder{limits: limits}
	for b.Len() > 0 || len(events) == 0 {
		m, err := in.Next()
		if err != nil {
			return events, nil
		}
		var e event
		switch m := m.(type) {
		case wire.VideoFormat:
			err = d.setFormat(m)
		case wire.VideoFrame:
			e, err = d.read(in, m)
			events = append(events, e)
		}
		if err != nil {
			return events, err
		}
	}
	return events, nil
}

func TestVideoDecoderRejectsInvalidMessages(t *testing.T) {
	changed := func(change func(*wire.VideoFormat)) wire.VideoFormat {
		f := sampleFormat
		change(&f)
		return f
	}
	for want, messages := range map[string][]wire.Message{
		`video of the codec "vp9"`:                                {changed(func(f *wire.VideoFormat) { f.Codec = "vp9" })},
		"initialisation segment of 0 bytes, must have 1 to 65536": {changed(func(f *wire.VideoFormat) { f.Init = nil })},
		"video of 0x48 pixels":                                    {changed(func(f *wire.VideoFormat) { f.Width = 0 })},
		"video of 64x16897 pixels":                                {changed(func(f *wire.VideoFormat) { f.Height = 16897 })},
		`the codec string "avc1\""`:                               {changed(func(f *wire.VideoFormat) { f.CodecString = `avc1"` })},
		"video frame without a format":                            {wire.VideoFrame{Key: true, Size: 1000}},
		"must have more than":                                     {sampleFormat, wire.VideoFrame{Key: true, Size: fmp4.HeadSize}},
		"PTS -2562047h47m16.854775808s":                           {sampleFormat, wire.VideoFrame{Key: true, PTS: math.MinInt64, Size: 1000}},
		"DTS 2562047h47m16.854775807s":                            {sampleFormat, wire.VideoFrame{Key: true, DTS: math.MaxInt64, Size: 1000}},
	} {
		if _, err := decodeVideo(t, media.DefaultLimits, messages...); err == nil || !strings.HasPrefix(err.Error(), "wire: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Frames that refer to one that is too large are left out as well, and the next keyframe ends that.
func TestVideoDecoderLeavesOutUpToNextKeyframe(t *testing.T) {
	const size = fmp4.HeadSize + 100
	limits := media.Limits{Bytes: 100, Pixels: media.DefaultLimits.Pixels}
	events, err := decodeVideo(t, limits, sampleFormat,
		wire.VideoFrame{Count: 1, Key: true, Size: size},
		wire.VideoFrame{Count: 2, Size: size + 1, Disposable: true},
		wire.VideoFrame{Count: 3, Size: size},
		wire.VideoFrame{Count: 4, Size: size + 1},
		wire.VideoFrame{Count: 5, Size: size},
		wire.VideoFrame{Count: 6, Key: true, Size: size},
		wire.VideoFrame{Count: 7, Leading: true, Size: size},
		wire.VideoFrame{Count: 8, Size: size},
	)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	refused := map[string]uint64{}
	for _, e := range events {
		switch e := e.(type) {
		case videoEvent:
			got = append(got, e.count)
			if len(e.frame.Data) != 100 || len(e.frame.Wire) != size || &e.frame.Wire[fmp4.HeadSize] != &e.frame.Data[0] {
				t.Errorf("frame %d of %d bytes", e.count, len(e.frame.Wire))
			}
		case workerRefusedEvent:
			for cause, n := range e.counts {
				refused[cause] += n
			}
		}
	}
	if !slices.Equal(got, []uint64{1, 3, 6, 8}) || refused[media.TooLarge] != 2 || refused[media.Lost] != 2 || len(refused) != 2 {
		t.Errorf("frames %v, left out %v", got, refused)
	}
}

func TestVideoDecoderRefusesTooManyPixels(t *testing.T) {
	events, err := decodeVideo(t, media.Limits{Bytes: 1000, Pixels: 64*48 - 1}, sampleFormat, wire.VideoFrame{Key: true, Size: 200})
	if err != nil {
		t.Fatal(err)
	}
	e, ok := events[0].(workerRefusedEvent)
	if want := (fault{camera.TooLarge, "the camera sends 64x48 pixels, more than limits.frame_pixels (3071)"}); !ok || e.fault != want || e.counts[media.TooLarge] != 1 || e.size != 0 {
		t.Errorf("%+v", events[0])
	}
}
