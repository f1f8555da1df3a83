package capture

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// videoClips are files whose packets are passed on.
var videoClips = []struct {
	name string
	clip testpeer.Clip
}{
	{"h264 mp4", testpeer.H264},
	{"h264 mkv", testpeer.Clip{Codec: "h264", Container: "mkv"}},
	{"h264 ts", testpeer.Clip{Codec: "h264", Container: "ts"}},
	{"h264 flv", testpeer.Clip{Codec: "h264", Container: "flv"}},
	{"h264 mp4, B-frames", testpeer.Clip{Codec: "h264", Encoder: "bframes=3:b-adapt=0"}},
	{"h264 mkv, B-frames", testpeer.Clip{Codec: "h264", Container: "mkv", Encoder: "bframes=3:b-adapt=0"}},
	{"h264 ts, B-frames", testpeer.Clip{Codec: "h264", Container: "ts", Encoder: "bframes=3:b-adapt=0"}},
	{"h264 mp4, open groups", testpeer.Clip{Codec: "h264", Encoder: "bframes=3:b-adapt=0:open-gop=1:keyint=15"}},
	{"h264 mp4, intra refresh", testpeer.Clip{Codec: "h264", Encoder: "intra-refresh=1:keyint=15"}},
	{"h265 mp4", testpeer.H265},
	{"h265 ts", testpeer.Clip{Codec: "h265", Container: "ts"}},
	{"h265 mp4, open groups", testpeer.Clip{Codec: "h265", Encoder: "bframes=3:b-adapt=0:open-gop=1:keyint=15:min-keyint=15"}},
	{"h265 ts, open groups", testpeer.Clip{Codec: "h265", Container: "ts", Encoder: "bframes=3:b-adapt=0:open-gop=1:keyint=15:min-keyint=15"}},
}

// A viewer sees the pictures of the file, all of them, and in their order.
func TestFilesPassVideoWithoutDecoding(t *testing.T) {
	for _, c := range videoClips {
		t.Run(c.name, func(t *testing.T) {
			path := c.clip.Make(t)
			d := startCaptureAtSpeed(t, wire.Start{Source: path, Capture: options.Capture{Once: true}}, 100)
			d.send(wire.Demand{Wanted: true})
			r := recordVideo(d, 0)
			want := wire.Opened{Backend: "FFMPEG", Codec: c.clip.Codec, Width: 320, Height: 240, FPS: r.opened.FPS, Passthrough: true}
			if r.opened != want || r.opened.FPS < 29.9 || r.opened.FPS > 30.1 {
				t.Errorf("got %+v, want %+v", r.opened, want)
			}
			if r.ended.Reason != string(camera.EndOfFile) || r.jpegs > 0 || len(r.refused) > 0 {
				t.Errorf("%d JPEGs, refused %v, ended with %+v", r.jpegs, r.refused, r.ended)
			}
			if n := c.clip.Frames(); len(r.frames) != n || r.frames[n-1].Count != uint64(n) || !r.frames[0].Key {
				t.Fatalf("%d frames of %d, the last is %+v", len(r.frames), n, r.frames[len(r.frames)-1])
			}
			r.checkTimes(t, time.Second/30)
			if got, want := testpeer.DecodedPictures(t, r.file(t)), testpeer.DecodedPictures(t, path); !slices.Equal(got, want) {
				t.Errorf("%d pictures of %d, or other pictures", len(got), len(want))
			}
		})
	}
}

// A viewer sees each pass of a looped file, and no gap in the times between them.
func TestLoopedFilesHaveContinuousTimes(t *testing.T) {
	for _, c := range videoClips {
		t.Run(c.name, func(t *testing.T) {
			path := c.clip.Make(t)
			n := c.clip.Frames()
			r := recordVideo(startCaptureAtSpeed(t, wire.Start{Source: path}, 1000), 3*n)
			r.truncate(3 * n)
			for pass := range 3 {
				if !r.frames[pass*n].Key {
					t.Errorf("pass %d begins without a keyframe", pass)
				}
			}
			r.checkTimes(t, time.Second/30)
			once := testpeer.DecodedPictures(t, path)
			if got := testpeer.DecodedPictures(t, r.file(t)); !slices.Equal(got, slices.Concat(once, once, once)) {
				t.Errorf("%d pictures of 3 times %d, or other pictures", len(got), len(once))
			}
		})
	}
}

// cutClip returns the path of a transport stream that lacks the first frames of a clip.
func cutClip(t *testing.T, clip testpeer.Clip, frames int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cut.ts")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", clip.Make(t), "-c", "copy",
		"-bsf:v", fmt.Sprintf(`noise=drop=lt(n\,%d)`, frames), path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// Recorders cut files anywhere. Each pass of such a file begins with its first keyframe, without the frames that refer to what was cut off.
func TestCutFilesBeginWithTheirFirstKeyframe(t *testing.T) {
	for _, c := range []struct {
		name string
		clip testpeer.Clip
		cut  int // frames
		skip int // frames in front of the next keyframe, in the order of the file
	}{
		{"h264", testpeer.Clip{Codec: "h264", Container: "ts"}, 20, 10},
		{"h265, open groups", testpeer.Clip{Codec: "h265", Container: "ts", Encoder: "bframes=3:b-adapt=0:open-gop=1:keyint=15:min-keyint=15"}, 5, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := cutClip(t, c.clip, c.cut)
			once := recordVideo(startCaptureAtSpeed(t, wire.Start{Source: path, Capture: options.Capture{Once: true}}, 1000), 0)
			n := len(once.frames)
			if most := c.clip.Frames() - c.cut - c.skip; n > most || n < most-5 || !once.frames[0].Key || once.frames[1].Leading {
				t.Fatalf("%d frames, the first are %+v", n, once.frames[:2])
			}
			if once.ended.Reason != string(camera.EndOfFile) {
				t.Errorf("ended with %+v", once.ended)
			}
			r := recordVideo(startCaptureAtSpeed(t, wire.Start{Source: path}, 1000), 3*n)
			r.truncate(3 * n)
			pictures := testpeer.DecodedPictures(t, once.file(t))
			if got := testpeer.DecodedPictures(t, r.file(t)); len(pictures) != n || !slices.Equal(got, slices.Concat(pictures, pictures, pictures)) {
				t.Errorf("%d pictures of 3 times %d, or other pictures", len(got), len(pictures))
			}
		})
	}
}
