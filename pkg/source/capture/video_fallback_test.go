package capture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// makeVideo makes a video of 320x240 with further arguments of ffmpeg, and returns its path.
func makeVideo(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append(append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30", "-t", "2"}, args...), path)
	if out, err := exec.Command(testpeer.RequireProgram(t, "ffmpeg", "ffmpeg"), args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
	}
	return path
}

func TestVideoThatCannotBePassedOnIsDecoded(t *testing.T) {
	path := func(path string) func(*testing.T) wire.Start {
		return func(*testing.T) wire.Start { return wire.Start{Source: path} }
	}
	for _, c := range []struct {
		name  string
		start func(*testing.T) wire.Start
		codec string
		note  string
	}{
		{"mpeg4", path(makeVideo(t, "clip.mp4", "-c:v", "mpeg4")), "mpeg4", ""},
		{"mpeg4 ts", path(makeVideo(t, "clip.ts", "-c:v", "mpeg4")), "mpeg4", ""},
		{"vp9", path(makeVideo(t, "clip.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")), "", ""},
		{"no times", path(testpeer.Clip{Codec: "h264", Container: "h264", Encoder: "bframes=3:b-adapt=0"}.Make(t)), "h264",
			"decoded, because its packets have no times"},
		{"no keyframe", func(t *testing.T) wire.Start {
			return wire.Start{Source: cutClip(t, testpeer.Clip{Codec: "h264", Container: "ts", Encoder: "intra-refresh=1:keyint=15"}, 10)}
		}, "h264", "decoded, because none of its first frames is a keyframe"},
		{"reader opencv", func(t *testing.T) wire.Start {
			return wire.Start{Source: testpeer.H264.Make(t), Capture: options.Capture{Reader: options.ReaderOpenCV}}
		}, "h264", ""},
		{"reader opencv, recording on a server", func(t *testing.T) wire.Start {
			address := serveFiles(t, map[string]string{"/clip.ts": tsSegment(t)})
			return wire.Start{Source: "http://" + address + "/clip.ts", Capture: options.Capture{Reader: options.ReaderOpenCV}}
		}, "h264", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startCaptureAtSpeed(t, c.start(t), 10)
			d.send(wire.Demand{Wanted: true})
			o, _ := awaitMessage[wire.Opened](d)
			if o.Codec != c.codec || o.Passthrough || !strings.HasPrefix(o.Note, c.note) || (o.Note == "") != (c.note == "") {
				t.Errorf("got %+v, want codec %s and note %q", o, c.codec, c.note)
			}
			for range 3 {
				if _, p := d.frame(); p.Width != 320 || p.Height != 240 {
					t.Errorf("picture of %dx%d", p.Width, p.Height)
				}
			}
		})
	}
}

// A stream that has had a keyframe and never has another one shows nothing to viewers that join later. Only a decoder can show it.
func TestStreamWithoutFurtherKeyframesNeedsTheDecoder(t *testing.T) {
	clip := testpeer.Clip{Codec: "h264", Container: "ts", FPS: 10, Length: 40 * time.Second, Encoder: "intra-refresh=1:keyint=20:scenecut=0"}
	b, err := os.ReadFile(clip.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	e := recordVideo(startCapture(t, wire.Start{Source: serveStream(t, b)}), 0).ended
	if !e.Unsupported || e.Reason != "bad_stream" || !strings.Contains(e.Detail, "too few keyframes") {
		t.Errorf("got %+v", e)
	}
}
