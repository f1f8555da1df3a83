package capture

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// serveStream serves bytes as a live stream: without a length, and without an end. It returns the address.
func serveStream(t *testing.T, pieces ...[]byte) string {
	t.Helper()
	ended := make(chan struct{})
	address := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp2t")
		for _, b := range pieces {
			if _, err := w.Write(b); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	})
	t.Cleanup(func() { close(ended) }) // before the server is closed
	return address + "/live.ts"
}

// makeHLS makes a playlist of a clip and returns its files by their paths on a server.
func makeHLS(t *testing.T, clip testpeer.Clip, options ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"-v", "error", "-i", clip.Make(t), "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0"}, options...)
	if out, err := exec.Command("ffmpeg", append(args, filepath.Join(dir, "list.m3u8"))...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files["/"+e.Name()] = string(b)
	}
	return files
}

// A stream is joined anywhere, and its clock may be set back, as when the camera restarts.
func TestLiveStreamBeginsWithAKeyframeAndItsTimesGoOn(t *testing.T) {
	for _, c := range []struct {
		name string
		clip testpeer.Clip
	}{
		{"h264", testpeer.Clip{Codec: "h264", Container: "ts"}},
		{"h264, B-frames", testpeer.Clip{Codec: "h264", Container: "ts", Encoder: "bframes=3:b-adapt=0"}},
		{"h265, B-frames", testpeer.Clip{Codec: "h265", Container: "ts", Encoder: "bframes=3:b-adapt=0:open-gop=0:min-keyint=30"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, second := cutClip(t, c.clip, 5), c.clip.Make(t)
			var pieces [][]byte
			for _, path := range []string{first, second, second} {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				pieces = append(pieces, b)
			}
			// Up to the last keyframe, no picture is missing between others.
			n := len(recordVideo(startCaptureAtSpeed(t, wire.Start{Source: first, Capture: options.Capture{Once: true}}, 1000), 0).frames) +
				c.clip.Frames()*3/2
			r := recordVideo(startCapture(t, wire.Start{Source: serveStream(t, pieces...)}), n)
			r.truncate(n)
			if !r.frames[0].Key || !r.opened.Passthrough || len(r.refused) > 0 && r.refused["no_keyframe"] == 0 {
				t.Errorf("opened %+v, refused %v, first frame %+v", r.opened, r.refused, r.frames[0])
			}
			r.checkTimes(t, time.Second/30)
			if got := testpeer.DecodedPictures(t, r.file(t)); len(got) != len(r.frames) {
				t.Errorf("%d pictures of %d frames", len(got), len(r.frames))
			}
		})
	}
}

func TestPlaylistsPassVideo(t *testing.T) {
	clip := testpeer.Clip{Codec: "h264", Length: 5 * time.Second, Encoder: "bframes=3:b-adapt=0"}
	for _, c := range []struct {
		name    string
		options []string
		frames  int
	}{
		{"recording", nil, clip.Frames()},
		{"live", []string{"-hls_flags", "omit_endlist"}, 60}, // from the third segment before the end on
		{"fragments", []string{"-hls_segment_type", "fmp4"}, clip.Frames()},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := serveFiles(t, makeHLS(t, clip, c.options...))
			start := wire.Start{Source: fmt.Sprintf("http://%s/list.m3u8", address), Capture: options.Capture{Once: true}}
			if c.name != "live" {
				c.frames = 0
			}
			r := recordVideo(startCaptureAtSpeed(t, start, 1000), c.frames)
			if c.frames > 0 {
				r.truncate(c.frames)
			}
			if c.frames == 0 && (len(r.frames) != clip.Frames() || r.ended.Reason != string(camera.EndOfFile)) {
				t.Errorf("%d frames of %d, ended with %+v", len(r.frames), clip.Frames(), r.ended)
			}
			r.checkTimes(t, time.Second/30)
			pictures := testpeer.DecodedPictures(t, r.file(t))
			if all := testpeer.DecodedPictures(t, clip.Make(t)); c.frames == 0 && !slices.Equal(pictures, all) || len(pictures) != len(r.frames) {
				t.Errorf("%d pictures of %d frames", len(pictures), len(r.frames))
			}
		})
	}
}

// A live playlist may continue with another recording, whose times begin elsewhere.
func TestPlaylistWithADiscontinuityGoesOn(t *testing.T) {
	clip := testpeer.Clip{Codec: "h264", Container: "ts"}
	b, err := os.ReadFile(clip.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Replace(playlist("a.ts", "b.ts"), "#EXTINF:4.0,\nb.ts", "#EXT-X-DISCONTINUITY\n#EXTINF:4.0,\nb.ts", 1)
	address := serveFiles(t, map[string]string{"/list.m3u8": list, "/a.ts": string(b), "/b.ts": string(b)})
	d := startCaptureAtSpeed(t, wire.Start{Source: "http://" + address + "/list.m3u8", Capture: options.Capture{Once: true}}, 1000)
	r := recordVideo(d, 0)
	if len(r.frames) != 2*clip.Frames() {
		t.Errorf("%d frames of %d", len(r.frames), 2*clip.Frames())
	}
	r.checkTimes(t, time.Second/30)
}
