package capture

import (
	"testing"

	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// Each of these comes without delay and with the right number: several slices in a picture, fields, more bits and colours, pictures that are
// refreshed bit by bit.
func TestProfilesAndTools(t *testing.T) {
	for name, v := range map[string]numberedVideo{
		"h264 slices":        {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-x264-params", "slices=4"}},
		"h264 sliced":        {codec: h26x.H264, args: []string{"-g", "10", "-tune", "zerolatency", "-threads", "4"}},
		"h264 interlaced":    {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-x264-params", "tff=1"}},
		"h264 intra refresh": {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-x264-params", "intra-refresh=1"}},
		"h264 10 bits":       {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-pix_fmt", "yuv420p10le"}},
		"h264 4:2:2":         {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-pix_fmt", "yuv422p"}},
		"h264 4:2:2 10 bits": {codec: h26x.H264, args: []string{"-bf", "0", "-g", "10", "-pix_fmt", "yuv422p10le"}},
		"h264 all keyframes": {codec: h26x.H264, args: []string{"-bf", "0", "-g", "1"}},
		"h265 slices":        {codec: h26x.H265, args: []string{"-bf", "0", "-g", "10", "-x265-params", "slices=2:log-level=none"}},
		"h265 10 bits":       {codec: h26x.H265, args: []string{"-bf", "0", "-g", "10", "-pix_fmt", "yuv420p10le"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.width, v.height, v.fps, v.frames = 320, 192, 25, 30
			d := startDecoder(t, wire.Start{})
			for _, f := range v.encode(t) {
				d.feed(f)
				d.expect(f)
			}
		})
	}
}

// B-frames whose number changes from one group of pictures to the next. The last ones come out when the next stream begins.
func TestVaryingReorderingLosesNoPicture(t *testing.T) {
	for name, v := range map[string]numberedVideo{
		"h264": {codec: h26x.H264, args: []string{"-bf", "3", "-g", "12", "-sc_threshold", "40", "-preset", "medium"}},
		"h265": {codec: h26x.H265, args: []string{"-x265-params", "bframes=3:b-adapt=2:keyint=12:log-level=none"}},
	} {
		t.Run(name, func(t *testing.T) {
			v.width, v.height, v.fps, v.frames = 320, 192, 25, 60
			next := numberedVideo{codec: v.codec, width: 640, height: 384, fps: 25, frames: 1, first: 1000, args: []string{"-bf", "0"}}
			frames := append(v.encode(t), next.encode(t)...)
			refused := map[string]int64{}
			queue := newInputQueue(func(cause string, count int64) { refused[cause] += count })
			for _, f := range frames {
				queue.push(f.input(t))
			}
			first, err := queue.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			decoder, err := newVideoInput(t.Context(), queue, media.DefaultLimits, first, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer decoder.close()
			for _, want := range sortByNumber(frames) {
				if err := decoder.next(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				if decoder.captured() != want.header.Captured || decoder.count() != want.header.Count {
					t.Fatalf("picture of %d at %d, want %d at %d; refused %v", decoder.count(), decoder.captured(), want.header.Count, want.header.Captured, refused)
				}
			}
		})
	}
}
