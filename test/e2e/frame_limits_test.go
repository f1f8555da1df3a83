package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// maxPeakMemoryMB is the maximum peak of the daemon's resident memory in MB, whatever its cameras send. The rings hold 64 MiB. Each of three
// cameras has a picture of 8 MiB that is being read, one that its decoder is being sent, and one for each viewer that is not level with the
// others. The garbage collector lets that double.
const maxPeakMemoryMB = 350

// defaultFrameBytes is the default of limits.frame_bytes.
const defaultFrameBytes = 8 << 20

// peakMemoryMB returns the largest resident set that a process has had, in MB.
func peakMemoryMB(t testing.TB, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kilobytes, _ := strconv.ParseFloat(string(m[1]), 64)
	return kilobytes * 1024 / 1e6
}

// fastCamera is an HTTP camera that sends the same picture with a counter as fast as it can. The picture can be replaced meanwhile.
type fastCamera struct {
	url     string
	picture atomic.Pointer[[]byte]
	sent    atomic.Uint64
}

func newFastCamera(t testing.TB, picture []byte) *fastCamera {
	t.Helper()
	c := &fastCamera{}
	c.picture.Store(&picture)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	c.url = server.URL
	return c
}

func (f *fastCamera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	for r.Context().Err() == nil {
		picture := *f.picture.Load()
		// A comment segment with a number makes every picture a new one.
		counter := binary.BigEndian.AppendUint64([]byte{0xFF, 0xD8, 0xFF, 0xFE, 0, 10}, f.sent.Load())
		_, _ = fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(counter)+len(picture)-2)
		_, _ = w.Write(counter)
		if _, err := w.Write(picture[2:]); err != nil {
			return
		}
		_, _ = io.WriteString(w, "\r\n")
		f.sent.Add(1)
	}
}

// noiseJPEG returns a picture of noise, which does not compress.
func noiseJPEG(t testing.TB, width, height, quality int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			n := random.Uint32()
			img.SetRGBA(x, y, color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// paddedJPEG returns a valid JPEG of 320x240 with padding bytes of comments, application segments and fill bytes.
func paddedJPEG(t testing.TB, padding int) []byte {
	t.Helper()
	small := noiseJPEG(t, 320, 240, 80)
	b := append(make([]byte, 0, len(small)+padding+1<<17), small[:2]...)
	body := bytes.Repeat([]byte{0xA5}, 65533)
	for i := 0; len(b) < padding; i++ {
		marker := []byte{0xFE, 0xED}[i%2] // COM, APP13
		b = append(b, 0xFF, 0xFF, 0xFF, marker, 0xFF, 0xFF)
		b = append(b, body...)
	}
	return append(b, small[2:]...)
}

// streamReaders are viewers of streams. They count the parts that each of them gets.
type streamReaders struct {
	parts []*atomic.Uint64
	done  sync.WaitGroup
}

// read reads a stream until the daemon ends it. pause delays each read, for a slow viewer.
func (s *streamReaders) read(t testing.TB, url string, pause time.Duration) {
	t.Helper()
	answer, err := streamClient.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, answer.Status)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	parts := &atomic.Uint64{}
	s.parts = append(s.parts, parts)
	s.done.Go(func() {
		buf := make([]byte, 256<<10)
		for {
			n, err := answer.Body.Read(buf)
			parts.Add(uint64(bytes.Count(buf[:n], []byte("Content-Length: "))))
			if err != nil {
				return
			}
			if pause > 0 {
				time.Sleep(pause) // the pace of a slow viewer
			}
		}
	})
}

// Pictures of 31 MB that are valid JPEGs of 320x240 do not reach the daemon's memory, and the camera's state names the limit. The camera
// is live again for the same viewers when it sends smaller pictures.
func TestOversizedPicturesAreRefused(t *testing.T) {
	picture := paddedJPEG(t, 31<<20)
	camera := newFastCamera(t, picture)
	d := start(t, options{config: fmt.Sprintf("cameras:\n  - {id: big, source: '%s/', stall_timeout: 2s}\nlimits: {capture_memory: 4GiB}\n", camera.url)})
	var viewers streamReaders
	for range 6 {
		viewers.read(t, d.URL+"/cameras/big/stream.mjpg", 0)
	}
	eventually(t, "100 pictures to be sent", func() bool { return camera.sent.Load() >= 100 })
	s := d.waitForCamera("big", "refused for its size", func(s state) bool { return s.Reason == "too_large" })
	want := fmt.Sprintf("pictures of %.1f MB exceed limits.frame_bytes (8 MiB)", float64(len(picture))/1e6)
	if s.State == "live" || !strings.Contains(s.Detail, want) {
		t.Errorf("the camera is %s: %q, want %q", s.State, s.Detail, want)
	}
	if n := d.metric(`camd_camera_frames_refused_total{camera="big",reason="too_large"}`); n == 0 {
		t.Error("no refused picture is counted")
	}
	small := noiseJPEG(t, 320, 240, 80)
	camera.picture.Store(&small)
	d.waitForState("big", "live")
	for i, parts := range viewers.parts {
		before := parts.Load()
		eventually(t, fmt.Sprintf("viewer %d to have live pictures", i), func() bool { return parts.Load() > before+5 })
	}
	peak := peakMemoryMB(t, d.cmd.Process.Pid)
	t.Logf("peak %.0f MB after %d pictures", peak, camera.sent.Load())
	if peak > maxPeakMemoryMB {
		t.Errorf("the daemon took %.0f MB, want at most %d", peak, maxPeakMemoryMB)
	}
}

// Pictures just below the limit are served. Several cameras with such pictures, with renditions and slow viewers, stay within the same
// memory.
func TestLargestPicturesStayWithinMemory(t *testing.T) {
	picture := largestPicture(t)
	config := "cameras:\n"
	var cameras []*fastCamera
	for i := range 3 {
		c := newFastCamera(t, picture)
		cameras = append(cameras, c)
		config += fmt.Sprintf("  - {id: c%d, source: '%s/', stall_timeout: 2m, renditions: {preview: {width: 640, fps: 5}, half: {width: 1000, fps: 5, quality: 100}}}\n", i, c.url)
	}
	d := start(t, options{config: config + "limits: {capture_memory: 4GiB}\n"})
	var viewers streamReaders
	for i := range cameras {
		viewers.read(t, fmt.Sprintf("%s/cameras/c%d/stream.mjpg", d.URL, i), time.Duration(i)*5*time.Millisecond)
	}
	viewers.read(t, d.URL+"/cameras/c0/stream.mjpg", 10*time.Millisecond)
	viewers.read(t, d.URL+"/cameras/c1/stream.mjpg?rendition=half", 0)
	viewers.read(t, d.URL+"/cameras/c2/stream.mjpg?rendition=preview", 0)
	for i, parts := range viewers.parts {
		eventually(t, fmt.Sprintf("viewer %d to have 40 pictures", i), func() bool { return parts.Load() >= 40 })
	}
	for id, s := range d.cameras() {
		if s.State != "live" || s.Counts.Refused["too_large"] > 0 {
			t.Errorf("camera %s is %s (%s: %s), refused %v", id, s.State, s.Reason, s.Detail, s.Counts.Refused)
		}
	}
	peak := peakMemoryMB(t, d.cmd.Process.Pid)
	t.Logf("peak %.0f MB with pictures of %.2f MiB", peak, float64(len(picture))/(1<<20))
	if peak > maxPeakMemoryMB {
		t.Errorf("the daemon took %.0f MB, want at most %d", peak, maxPeakMemoryMB)
	}
}

// largestPicture returns a picture of nearly defaultFrameBytes without metadata.
func largestPicture(t testing.TB) []byte {
	t.Helper()
	const width = 2048
	probe := noiseJPEG(t, width, 256, 100)
	rows := 256 * (defaultFrameBytes - 64<<10) / len(probe)
	picture := noiseJPEG(t, width, rows&^15, 100)
	if len(picture) > defaultFrameBytes-100 || len(picture) < defaultFrameBytes*95/100 {
		t.Fatalf("the picture has %d bytes, want just below %d", len(picture), defaultFrameBytes)
	}
	return picture
}
