package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/source/framenumber"
)

// videoViewer is ffmpeg, which decodes a stream.mp4 and stops at any error in it. Its pictures have the size of the first.
type videoViewer struct {
	t        testing.TB
	size     image.Point
	pictures io.ReadCloser
	stderr   testrun.Output
	cmd      *exec.Cmd
	numbers  []uint32 // of the pictures so far
}

// clipSize is the default size of numbered clips.
var clipSize = numberedClip{}.withDefaults().Size

// watchVideo decodes the stream at url until the test ends.
func watchVideo(t testing.TB, url string, size image.Point) *videoViewer {
	t.Helper()
	return decodeVideo(t, nil, size, "-seekable", "0", "-i", url)
}

// decodeVideo starts ffmpeg with an input.
func decodeVideo(t testing.TB, stdin io.Reader, size image.Point, input ...string) *videoViewer {
	t.Helper()
	ffmpeg := testpeer.RequireProgram(t, "ffmpeg", "ffmpeg")
	args := append([]string{"-nostdin", "-v", "error", "-err_detect", "explode", "-xerror", "-threads", "1", "-probesize", "200000"}, input...)
	args = append(args, "-an", "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-s", fmt.Sprintf("%dx%d", size.X, size.Y), "pipe:1")
	ctx, cancel := context.WithTimeout(context.Background(), 3*testTimeout)
	v := &videoViewer{t: t, size: size, cmd: exec.CommandContext(ctx, ffmpeg, args...)}
	v.cmd.Stdin, v.cmd.Stderr = stdin, &v.stderr
	var err error
	if v.pictures, err = v.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = v.cmd.Wait()
	})
	return v
}

// next returns the number of the next picture. The error has ffmpeg's messages.
func (v *videoViewer) next() (uint32, error) {
	picture := image.NewGray(image.Rectangle{Max: v.size})
	if _, err := io.ReadFull(v.pictures, picture.Pix); err != nil {
		return 0, fmt.Errorf("after %d pictures: %w: %s", len(v.numbers), err, strings.TrimSpace(v.stderr.String()))
	}
	n, ok := framenumber.Decode(picture)
	if !ok {
		return 0, fmt.Errorf("picture %d has no number", len(v.numbers))
	}
	v.numbers = append(v.numbers, n)
	return n, nil
}

// read returns the next n numbers.
func (v *videoViewer) read(n int) []uint32 {
	v.t.Helper()
	begin := len(v.numbers)
	for range n {
		if _, err := v.next(); err != nil {
			v.t.Fatal(err)
		}
	}
	return v.numbers[begin:]
}

// readUntil reads up to a picture for which ok is true.
func (v *videoViewer) readUntil(what string, ok func(n uint32) bool) uint32 {
	v.t.Helper()
	for end := time.Now().Add(testTimeout); time.Now().Before(end); {
		n, err := v.next()
		if err != nil {
			v.t.Fatalf("before %s: %v", what, err)
		}
		if ok(n) {
			return n
		}
	}
	v.t.Fatalf("waited %v for %s", testTimeout, what)
	return 0
}

// gaps returns how many pictures of an endless loop are missing between neighbours.
func gaps(numbers []uint32, loop int) (all []int) {
	for i := 1; i < len(numbers); i++ {
		all = append(all, (int(numbers[i])-int(numbers[i-1])-1+2*loop)%loop)
	}
	return all
}

// readRun reads up to n pictures that follow each other without a gap. On a busy machine camd drops pictures of a viewer that is late, so not
// every picture can be expected.
func (v *videoViewer) readRun(n, loop int) {
	v.t.Helper()
	inRow := 0
	v.readUntil(fmt.Sprintf("%d pictures in a row", n), func(uint32) bool {
		inRow++
		if last := v.numbers[max(0, len(v.numbers)-2):]; len(last) == 2 && gaps(last, loop)[0] != 0 {
			inRow = 0
		}
		return inRow >= n
	})
}

// requestVideo requests a stream and collects what arrives, until the test ends. The answer may never begin.
func requestVideo(t testing.TB, url string) (received *testrun.Output) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	received = new(testrun.Output)
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err := streamClient.Do(r)
		if err != nil {
			return
		}
		defer answer.Body.Close()
		_, _ = io.Copy(received, answer.Body)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return received
}

// hasVideo reports whether an MP4 file has a frame.
func hasVideo(received *testrun.Output) bool {
	return bytes.Contains([]byte(received.String()), []byte("mdat"))
}
