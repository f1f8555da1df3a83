package capture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/framenumber"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// testRenditions are the renditions that TestRenditionsHaveTheirSizeAndRate requests beside main. The first two differ only in width: one
// is narrower than the source, the other one wider.
var testRenditions = []camera.Rendition{{Width: 320, Quality: 60}, {Width: 10000, Quality: 60}, {Width: 320, FPS: 5, Quality: 60}, {FPS: 5, Quality: 60}}

func TestRenditionsHaveTheirSizeAndRate(t *testing.T) {
	clip := testpeer.Clip{Codec: "mjpeg", FPS: 30, Length: 2 * time.Second}
	for name, source := range map[string]string{
		"raw":         "test://?size=1280x720&fps=30",
		"passthrough": clip.Make(t),
		"http":        testpeer.ServeHTTP(t, clip),
	} {
		t.Run(name, func(t *testing.T) {
			d := startCapture(t, wire.Start{Source: source, Renditions: testRenditions})
			o, _ := awaitMessage[wire.Opened](d)
			for i := range testRenditions {
				d.send(wire.Demand{Rendition: uint8(i + 1), Wanted: true})
			}
			main, rare := map[uint64][]byte{}, []int64{}
			compared := 0
			for compared < 2 || len(rare) < 6 {
				f, p := d.frame()
				switch f.Rendition {
				case 0:
					main[f.Count] = bytes.Clone(p.JPEG)
				case 1:
					if p.Width != 320 || p.Height != 320*o.Height/o.Width {
						t.Fatalf("%dx%d of %dx%d", p.Width, p.Height, o.Width, o.Height)
					}
					if big := main[f.Count]; big != nil {
						comparePictures(t, name, big, p.JPEG)
						compared++
					}
				case 2, 4:
					if p.Width != o.Width || p.Height != o.Height {
						t.Fatalf("%dx%d of %dx%d", p.Width, p.Height, o.Width, o.Height)
					}
				case 3:
					rare = append(rare, f.Captured)
				}
			}
			// There are five intervals of a fifth of a second. Each may be wrong by one interval of the source.
			if span := time.Duration(rare[5] - rare[0]); span < 900*time.Millisecond {
				t.Errorf("six pictures within %v, at 5 fps", span)
			}
			for i := range testRenditions {
				d.send(wire.Demand{Rendition: uint8(i + 1)})
			}
			awaitMessage[wire.Heartbeat](d) // now only one picture a second is made
		})
	}
}

// A picture that camd refuses in main must not appear undamaged in another rendition.
func TestDamagedPictureHasNoRenditions(t *testing.T) {
	whole, err := os.ReadFile(testpeer.Clip{Codec: "mjpeg", Container: "mjpeg", FPS: 1, Length: time.Second}.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	m := newEncoder(newScheduler(wire.Renditions{List: []camera.Rendition{{Width: 160, Quality: 60}, {FPS: 1}}}), media.DefaultLimits)
	defer m.close()
	for part, there := range map[int]bool{len(whole): true, len(whole) / 2: false} {
		m.setFrame(&frame{jpeg: whole[:part]})
		for r := 1; r <= 2; r++ {
			if jpeg, _, err := m.encodeRendition(r); err != nil || (jpeg != nil) != there {
				t.Errorf("%d of %d bytes, rendition %d: %d bytes, %v", part, len(whole), r, len(jpeg), err)
			}
		}
	}
}

// A preview keeps the orientation of its picture.
func TestPreviewKeepsExif(t *testing.T) {
	// The only entry is orientation (0x0112): type short (3), count 1, value 6, which is a turn to the right.
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	turned := slices.Insert(testpeer.GrayJPEG(t, 64), 2, exif...) // of 64x48
	m := newEncoder(newScheduler(wire.Renditions{List: []camera.Rendition{{Width: 32, Quality: 60}}}), media.DefaultLimits)
	defer m.close()
	m.setFrame(&frame{jpeg: turned})
	small, _, err := m.encodeRendition(1)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := media.Normalize(small, media.Limits{}); err != nil || p.Width != 32 || p.Height != 24 || !bytes.Equal(p.Exif, exif) {
		t.Errorf("%dx%d, exif %q, %v", p.Width, p.Height, p.Exif, err)
	}
	for _, jpeg := range [][]byte{turned, small} { // as OpenCV shows them, turned
		shown, err := gocv.IMDecode(jpeg, gocv.IMReadColor)
		if err != nil || shown.Cols() >= shown.Rows() {
			t.Errorf("shown %dx%d, %v", shown.Cols(), shown.Rows(), err)
		}
		shown.Close()
	}
}

// A header alone can make a decoder allocate gigabytes.
func TestPictureWithHugeHeaderIsNotDecoded(t *testing.T) {
	jpeg := testpeer.GrayJPEG(t, 64)
	at := bytes.Index(jpeg, []byte{0xFF, 0xC0}) + 5 // height and width
	m := newEncoder(newScheduler(wire.Renditions{List: []camera.Rendition{{Width: 32, Quality: 60}}}), media.DefaultLimits)
	defer m.close()
	for side, there := range map[uint16]bool{64: true, 1024: false, 16384: false} {
		binary.BigEndian.PutUint16(jpeg[at:], side)
		binary.BigEndian.PutUint16(jpeg[at+2:], side)
		m.setFrame(&frame{jpeg: jpeg})
		if small, _, err := m.encodeRendition(1); err != nil || (small != nil) != there {
			t.Errorf("%d pixels a side: %d bytes, %v", side, len(small), err)
		}
	}
}

// comparePictures compares two sizes of one picture, and the number of a test picture.
func comparePictures(t *testing.T, source string, big, small []byte) {
	t.Helper()
	a, err := jpeg.Decode(bytes.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	b, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if source == "raw" {
		want, ok := framenumber.Decode(a)
		if got, _ := framenumber.Decode(b); !ok || got != want {
			t.Errorf("picture %d, want %d", got, want)
		}
	}
	off := 0
	size := b.Bounds().Size()
	for y := range 16 {
		for x := range 16 {
			r, g, bl, _ := a.At((2*x+1)*a.Bounds().Dx()/32, (2*y+1)*a.Bounds().Dy()/32).RGBA()
			r2, g2, bl2, _ := b.At((2*x+1)*size.X/32, (2*y+1)*size.Y/32).RGBA()
			for _, d := range []int{int(r) - int(r2), int(g) - int(g2), int(bl) - int(bl2)} {
				if max(d, -d) > 60<<8 {
					off++
					break
				}
			}
		}
	}
	if off > 256/8 { // edges
		t.Errorf("%d of 256 places have another colour", off)
	}
}

// BenchmarkPreview makes a preview of 640 pixels from a JPEG of 1080p: as camd does, and by decoding the whole JPEG.
func BenchmarkPreview(b *testing.B) {
	m := newEncoder(newScheduler(wire.Renditions{List: []camera.Rendition{{Width: 640, Quality: 60}}}), media.DefaultLimits)
	defer m.close()
	src := newTestPattern(sourceurl.Source{Size: sourceurl.Size{Width: 1920, Height: 1080}, FPS: 1000}, 1000)
	p := &frame{mat: gocv.NewMat()}
	defer p.mat.Close()
	if err := src.next(b.Context(), &p.mat); err != nil || !src.retrieve(&p.mat) {
		b.Fatal(err)
	}
	whole, err := m.encode(&p.mat, 80)
	if err != nil {
		b.Fatal(err)
	}
	p.jpeg = bytes.Clone(whole)
	m.setFrame(p)
	b.Run("reduced", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := m.encodeRendition(1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if _, err := m.encode(m.scale(m.decodeReduced(p.jpeg, 1), 640), 60); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Pictures that are halved first look as if they were reduced at once.
func TestReducedPicturesAreMeans(t *testing.T) {
	e := newEncoder(newScheduler(wire.Renditions{}), media.DefaultLimits)
	defer e.close()
	random := rand.NewChaCha8([32]byte{1})
	for _, c := range []struct{ width, height, to int }{{640, 384, 160}, {960, 576, 160}, {640, 384, 320}, {640, 384, 200}, {640, 362, 160}} {
		picture := gocv.NewMatWithSize(c.height, c.width, gocv.MatTypeCV8UC3)
		pixels, err := picture.DataPtrUint8()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = random.Read(pixels)
		got := e.scale(&picture, c.to)
		want, difference := gocv.NewMat(), gocv.NewMat()
		_ = gocv.Resize(picture, &want, image.Pt(got.Cols(), got.Rows()), 0, 0, gocv.InterpolationArea)
		_ = gocv.AbsDiff(*got, want, &difference)
		if b := difference.ToBytes(); got.Cols() != c.to || slices.Max(b) > 1 {
			t.Errorf("%+v: %d pixels wide, differs by %d", c, got.Cols(), slices.Max(b))
		}
		for _, m := range []gocv.Mat{picture, want, difference} {
			_ = m.Close()
		}
	}
}
