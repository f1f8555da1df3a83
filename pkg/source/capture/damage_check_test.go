package capture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// detailedImage returns a picture with details in every block.
func detailedImage(t testing.TB, width, height int) image.Image {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			n := uint8(random.UintN(32))
			img.Set(x, y, color.RGBA{uint8(x/4) + n, uint8(y/4) + n, uint8(x+y) + n, 255})
		}
	}
	return img
}

func detailedJPEG(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, detailedImage(t, width, height), &jpeg.Options{Quality: 75}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cutInScan cuts a picture in the middle of its data, and adds an end marker.
func cutInScan(b []byte) []byte {
	return append(bytes.TrimRight(bytes.Clone(b[:len(b)/2]), "\xff"), 0xFF, 0xD9)
}

// The pictures of these sources pass through. The second half of their data is missing.
func TestDamagedPicturesAreNotSent(t *testing.T) {
	cut := cutInScan(detailedJPEG(t, 320, 240))
	clip := filepath.Join(t.TempDir(), "clip.mjpeg")
	if err := os.WriteFile(clip, bytes.Repeat(cut, 50), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"stream": serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
			sendRepeatedly(w, r, cut)
		}),
		"pictures": serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(cut)
		}),
		"file": clip,
	} {
		t.Run(name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: source, Capture: options.Capture{FPS: 50}})
			d.send(wire.Demand{Wanted: true})
			damaged, beats := uint64(0), 0
			for damaged < 5 || beats == 0 {
				switch m := d.next().Message.(type) {
				case wire.Frame:
					t.Fatalf("a picture of %d bytes is sent", m.Size)
				case wire.Heartbeat:
					beats++
				case wire.Opened:
					if !m.Passthrough {
						t.Fatalf("not passed through: %+v", m)
					}
				case wire.Ended:
					t.Fatalf("the source ended: %+v", m)
				case wire.Refused:
					damaged += m.Pictures[media.Damaged]
					if m.Pictures[media.Damaged] > 0 && (m.Cause != media.Damaged || !strings.Contains(m.Detail, "blocks can be decoded")) {
						t.Errorf("got %+v", m)
					}
				}
			}
		})
	}
}

// The pictures are of OpenCV's encoder, in all of its forms.
func TestVerifyAcceptsPicturesOfOpenCV(t *testing.T) {
	mat, err := gocv.ImageToMatRGB(detailedImage(t, 200, 150))
	if err != nil {
		t.Fatal(err)
	}
	defer mat.Close()
	for _, params := range [][]int{
		{gocv.IMWriteJpegQuality, 1},
		{gocv.IMWriteJpegQuality, 100},
		{gocv.IMWriteJpegProgressive, 1},
		{gocv.IMWriteJpegOptimize, 1},
		{gocv.IMWriteJpegRstInterval, 3},
		{gocv.IMWriteJpegProgressive, 1, gocv.IMWriteJpegRstInterval, 1},
	} {
		b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, mat, params)
		if err != nil {
			t.Fatal(err)
		}
		if err := media.Verify(b.GetBytes(), media.Limits{}); err != nil {
			t.Errorf("parameters %v: %v", params, err)
		}
		b.Close()
	}
}

// Decoding takes half a percent of a CPU for good pictures, and five percent for damaged ones. The test measures the CPU time of decoding
// on this machine, and simulates 25 pictures a second.
func TestDamageCheckStaysWithinItsCPUShare(t *testing.T) {
	whole := detailedJPEG(t, 1280, 720)
	for _, tt := range []struct {
		name   string
		jpeg   []byte
		share  float64
		length time.Duration
	}{{"whole", whole, normalCPUShare, time.Minute}, {"cut", cutInScan(whole), damagedCPUShare, 6 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			var s checkSchedule
			var total, last time.Duration
			decoded, now := 0, time.Duration(0)
			for ; now < tt.length; now += 40 * time.Millisecond {
				if !s.isDue(int64(now)) {
					continue
				}
				var err error
				last = cpuTime(func() { err = media.Verify(tt.jpeg, media.Limits{}) })
				s.record(int64(now), last, err == nil)
				total += last
				decoded++
			}
			percent := float64(total-last) / float64(now) * 100
			t.Logf("%d bytes, %d of %d pictures decoded, %v each: %.3f %% of a CPU", len(tt.jpeg), decoded, now/(40*time.Millisecond), total/time.Duration(decoded), percent)
			if percent > tt.share || decoded < 2 {
				t.Errorf("%.3f %% of a CPU, want at most %v %%", percent, tt.share)
			}
		})
	}
}

func TestCheckScheduleDistrustsAfterDamage(t *testing.T) {
	const cost = 5 * time.Millisecond
	const usual, suspect = int64(time.Second), int64(100 * time.Millisecond)
	var s checkSchedule
	if !s.isDue(0) || !s.isTrusted() {
		t.Error("the first picture is not decoded")
	}
	now := int64(0)
	for i, step := range []struct {
		good    bool
		next    int64
		trusted bool
	}{
		{true, usual, true}, {true, usual, true},
		{false, suspect, false}, {false, suspect, false},
		{true, suspect, false}, {true, suspect, false}, {false, suspect, false},
		{true, suspect, false}, {true, suspect, false}, {true, usual, true},
	} {
		s.record(now, cost, step.good)
		if s.isDue(now+step.next-1) || !s.isDue(now+step.next) || s.isTrusted() != step.trusted {
			t.Errorf("step %d: next in %v, trusted %v; want %v, %v", i, time.Duration(s.next-now), s.isTrusted(), time.Duration(step.next), step.trusted)
		}
		now += step.next
	}
}
