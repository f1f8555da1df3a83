package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// encodeJPEG makes a picture as image/jpeg writes it: baseline, 4:2:0, with the standard Huffman tables.
func encodeJPEG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noisyImage draws a picture that does not compress well.
func noisyImage(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range height {
		for x := range width {
			n := uint8(random.UintN(64))
			img.Set(x, y, color.RGBA{uint8(x) + n, uint8(y) + n, uint8(x*y) + n, 255})
		}
	}
	return img
}

// sample is a real picture and its size.
type sample struct {
	name          string
	jpeg          []byte
	width, height int
}

// samples returns pictures of several encoders.
func samples(t testing.TB) []sample {
	grey := image.NewGray(image.Rect(0, 0, 17, 9))
	all := []sample{
		{"go", encodeJPEG(t, noisyImage(40, 24)), 40, 24},
		{"go, grey", encodeJPEG(t, grey), 17, 9},
		{"go, 1x1", encodeJPEG(t, noisyImage(1, 1)), 1, 1},
	}
	paths, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pictures in testdata: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{filepath.Base(path), b, c.Width, c.Height})
	}
	return all
}

// jpegSegment is a segment with its marker; a scan header has the entropy-coded data behind it.
type jpegSegment []byte

func (j jpegSegment) marker() byte { return j[1] }

// splitSegments cuts a well-formed picture with a single scan into its pieces, SOI and EOI included.
func splitSegments(b []byte) []jpegSegment {
	pieces := []jpegSegment{b[:2]}
	for b = b[2:]; b[1] != markSOS; {
		n := 2 + int(binary.BigEndian.Uint16(b[2:]))
		pieces, b = append(pieces, b[:n]), b[n:]
	}
	n := len(b) - 2
	return append(pieces, b[:n], b[n:])
}

// editSegments joins pieces after edit, which returns what to put in a piece's place.
func editSegments(b []byte, edit func(p jpegSegment) []byte) []byte {
	var out []byte
	for _, p := range splitSegments(b) {
		out = append(out, edit(bytes.Clone(p))...)
	}
	return out
}

// withoutSegments leaves out the segments with a marker.
func withoutSegments(b []byte, mark byte) []byte {
	return editSegments(b, func(p jpegSegment) []byte {
		if p.marker() == mark {
			return nil
		}
		return p
	})
}

// insertBefore puts bytes in front of the segments with a marker.
func insertBefore(b []byte, mark byte, insert ...byte) []byte {
	return editSegments(b, func(p jpegSegment) []byte {
		if p.marker() == mark {
			return append(bytes.Clone(insert), p...)
		}
		return p
	})
}

// setByte sets one byte, counted from the segment's marker.
func setByte(b []byte, mark byte, at int, value byte) []byte {
	return editSegments(b, func(p jpegSegment) []byte {
		if p.marker() == mark {
			p[at] = value
		}
		return p
	})
}

// decodeJPEG decodes a picture.
func decodeJPEG(t testing.TB, b []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}
