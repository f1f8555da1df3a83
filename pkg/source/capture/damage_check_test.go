package capture

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"camd/internal/testpeer"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

// The pictures of this file pass through. The second half of their data is missing.
func TestDamagedPicturesAreNotSent(t *testing.T) {
	clip := filepath.Join(t.TempDir(), "clip.mjpeg")
	if err := os.WriteFile(clip, bytes.Repeat(testpeer.CutInScan(testpeer.DetailedJPEG(t, 320, 240)), 50), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startCapture(t, wire.Start{Source: clip, Capture: options.Capture{FPS: 50}})
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
}

// The pictures are of OpenCV's encoder, in all of its forms.
func TestVerifyAcceptsPicturesOfOpenCV(t *testing.T) {
	mat, err := gocv.ImageToMatRGB(testpeer.DetailedImage(200, 150))
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
