package capture

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// resizedClips are clips whose second half has larger or smaller pictures.
var resizedClips = []testpeer.Clip{
	{Codec: "h264", Size: "320x240", SecondSize: "640x480"},
	{Codec: "h264", Size: "640x480", SecondSize: "320x240"},
	{Codec: "h264", Size: "640x480", SecondSize: "640x360"},
	{Codec: "h265", Size: "320x240", SecondSize: "640x480"},
	{Codec: "h265", Size: "640x480", SecondSize: "320x240"},
}

// A stream ends when its pictures change their size. No picture is scaled from the wrong size.
func TestStreamThatChangesItsSizeEnds(t *testing.T) {
	for i, c := range append(resizedClips, resizedClips[0]) {
		transport := map[bool]string{true: "udp", false: "tcp"}[i == len(resizedClips)]
		t.Run(fmt.Sprintf("%s from %s to %s over %s", c.Codec, c.Size, c.SecondSize, transport), func(t *testing.T) {
			c.Length = 3 * time.Second
			d := startCapture(t, wire.Start{Source: testpeer.ServeRTSP(t, testpeer.RTSP{Clip: c}).URL(), Capture: options.Capture{Transport: transport}})
			o, _ := awaitMessage[wire.Opened](d)
			e, _ := awaitMessage[wire.Ended](d)
			was := fmt.Sprintf("%dx%d", o.Width, o.Height)
			now := map[string]string{c.Size: c.SecondSize, c.SecondSize: c.Size}[was] // by when it was opened
			if e.Reason != string(camera.Resized) || now == "" || e.Detail != fmt.Sprintf("the picture size changed from %s to %s", was, now) {
				t.Errorf("opened at %s, then %+v", was, e)
			}
		})
	}
}

// A recording whose packets are passed on plays with all its sizes.
func TestRecordingThatChangesItsSizePassesAllFrames(t *testing.T) {
	for _, c := range resizedClips {
		t.Run(fmt.Sprintf("%s from %s to %s", c.Codec, c.Size, c.SecondSize), func(t *testing.T) {
			c.Length = time.Second
			r := recordVideo(startCaptureAtSpeed(t, wire.Start{Source: c.Make(t), Capture: options.Capture{Once: true}}, 100), 0)
			if len(r.formats) != 2 || len(r.frames) != 2*c.Frames() || len(r.refused) > 0 || r.ended.Reason != string(camera.EndOfFile) {
				t.Fatalf("%d formats, %d frames, refused %v, ended with %+v", len(r.formats), len(r.frames), r.refused, r.ended)
			}
			for i, size := range []string{c.Size, c.SecondSize} {
				if got := fmt.Sprintf("%dx%d", r.formats[i].Width, r.formats[i].Height); got != size {
					t.Errorf("format %d has %s, want %s", i, got, size)
				}
			}
			r.checkTimes(t, time.Second/30)
		})
	}
}

// A recording that is decoded plays without the pictures of another size.
func TestRecordingThatChangesItsSizeSkipsPictures(t *testing.T) {
	for _, c := range resizedClips {
		t.Run(fmt.Sprintf("%s from %s to %s", c.Codec, c.Size, c.SecondSize), func(t *testing.T) {
			c.Length = time.Second
			d := startCapture(t, wire.Start{Source: c.Make(t), Capture: options.Capture{Once: true, Reader: options.ReaderOpenCV}})
			e, _ := awaitMessage[wire.Ended](d)
			if want := fmt.Sprintf("after %d pictures", c.Frames()); e.Reason != string(camera.EndOfFile) || !strings.HasSuffix(e.Detail, want) {
				t.Errorf("%+v, want %s", e, want)
			}
		})
	}
}

// If only the beginning of a recording has the first size, the recording ends with a failure and is not decoded again and again.
func TestRecordingWithoutPicturesOfItsFirstSizeEnds(t *testing.T) {
	const fps = 30
	first := testpeer.Clip{Size: "320x240", FPS: fps, Length: time.Second / fps, Container: "ts"}
	rest := testpeer.Clip{Size: "640x480", FPS: fps, Length: 2 * time.Second, Container: "ts"}
	path := filepath.Join(t.TempDir(), "clip.ts")
	var all []byte
	for _, c := range []testpeer.Clip{first, rest} {
		b, err := os.ReadFile(c.Make(t))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, timeout := range map[string]time.Duration{"to its end": 0, "in time": time.Nanosecond} {
		t.Run(name, func(t *testing.T) {
			open := func() (*ffmpegSource, error) {
				return openFFmpeg(path, "", nil, wire.Start{ReadTimeout: time.Minute, Capture: options.Capture{OpenTimeout: time.Minute, Reader: options.ReaderOpenCV}})
			}
			f, err := open()
			if err != nil {
				t.Fatal(err)
			}
			c := newFilePlayer(f, open, false, 1000)
			defer func() { c.close() }()
			c.timeout = cmp.Or(timeout, c.timeout)
			m := gocv.NewMat()
			defer m.Close()
			if err := c.next(t.Context(), &m); err != nil {
				t.Fatal(err)
			}
			err = c.next(t.Context(), &m)
			if f, ok := errors.AsType[*failure](err); !ok || f.reason != camera.BadStream || !strings.Contains(f.detail, "1 pictures have the size of the first, 320x240") {
				t.Errorf("after one picture: %v", err)
			}
			if all := c.resized >= 2*fps-1; all != (timeout == 0) {
				t.Errorf("%d pictures skipped", c.resized)
			}
		})
	}
}
