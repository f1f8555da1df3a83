package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/jpeg"
	"slices"
	"testing"
)

func FuzzNormalize(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.jpeg)
		f.Add(append(bytes.Clone(s.jpeg), 0, 0, 0xFF))
		f.Add(s.jpeg[:len(s.jpeg)/2])
	}
	plain := encodeJPEG(f, noisyImage(16, 16))
	f.Add(withoutSegments(plain, markDHT))
	f.Add(insertBefore(plain, markDQT, 0xFF, 0xFF, 0xFE, 0, 4, 0xFF, markEOI))
	f.Add(insertBefore(plain, markDQT, 0xFF, markAPP1, 0, 28, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6))
	exif := buildSegment(markAPP1, exifBody(binary.LittleEndian, 6, 50)...)
	f.Add(insertBefore(plain, markDQT, slices.Concat(exif, paddingSegments(markCOM, "", 70_000))...))
	f.Add(insertBefore(withoutSegments(plain, markDHT), markDQT, slices.Concat(paddingSegments(markAPP2, "ICC_PROFILE\x00\x01\x01", 70_000), exif)...))
	f.Add(insertBefore(plain, markDQT, slices.Concat(exif, bytes.Repeat([]byte{0xFF, 0xE3, 0, 2}, 17_000))...))
	f.Add(insertBefore(plain, markDQT, bytes.Repeat([]byte{0xFF}, 70_000)...))
	f.Add(setByte(setByte(plain, markSOF0, 5, 0xFF), markSOF0, 7, 0xFF))
	limits := Limits{Bytes: 100_000, Pixels: 1 << 20}
	f.Fuzz(func(t *testing.T, in []byte) {
		given := bytes.Clone(in)
		p, err := Normalize(in, limits)
		if !bytes.Equal(in, given) {
			t.Fatal("the input was modified")
		}
		if err != nil {
			var refused *RefusedError
			if !errors.As(err, &refused) || !slices.Contains(Causes, refused.Cause) || refused.Offset > len(in) {
				t.Fatalf("got %#v", err)
			}
			return
		}
		if p.Width < 1 || p.Height < 1 || !bytes.HasPrefix(p.JPEG, []byte{0xFF, markSOI}) || !bytes.HasSuffix(p.JPEG, []byte{0xFF, markEOI}) {
			t.Fatalf("got %dx%d, %d bytes", p.Width, p.Height, len(p.JPEG))
		}
		if len(p.JPEG) > limits.Bytes || p.Width*p.Height > limits.Pixels {
			t.Fatalf("got %dx%d, %d bytes, beyond the limits", p.Width, p.Height, len(p.JPEG))
		}
		if before, after := orientationOf(t, in), orientationOf(t, p.JPEG); before != after {
			t.Fatalf("orientation %d became %d", before, after)
		}
		if x := p.Exif; x != nil && (len(x) < 10 || !bytes.Contains(p.JPEG, x) || int(binary.BigEndian.Uint16(x[2:])) != len(x)-2 || string(x[4:10]) != "Exif\x00\x00") {
			t.Fatalf("no Exif segment of it: % x", x)
		}
		again, err := Normalize(p.JPEG, limits)
		if err != nil || len(again.JPEG) != len(p.JPEG) || &again.JPEG[0] != &p.JPEG[0] {
			t.Fatalf("normalised again: %d bytes of %d, %v", len(again.JPEG), len(p.JPEG), err)
		}
		for _, b := range [][]byte{in, p.JPEG} {
			if c, err := jpeg.DecodeConfig(bytes.NewReader(b)); err == nil && (c.Width != p.Width || c.Height != p.Height) {
				t.Fatalf("got %dx%d, image/jpeg says %dx%d", p.Width, p.Height, c.Width, c.Height)
			}
		}
	})
}

// orientationOf returns the orientation in the first Exif segment of a picture that Normalize accepts.
func orientationOf(t *testing.T, b []byte) uint16 {
	t.Helper()
	for b = b[2:]; b[1] != markSOS; {
		switch n := 2 + int(binary.BigEndian.Uint16(b[2:])); {
		case b[1] == 0xFF:
			b = b[1:]
		case b[1] == markTEM || isRestart(b[1]):
			b = b[2:]
		case b[1] == markAPP1 && bytes.HasPrefix(b[4:n], exifName):
			return orientation(b[4:n])
		default:
			b = b[n:]
		}
	}
	return 1
}

// FuzzVerify decodes pictures that are cut, damaged or declare a large size. It must end, and refuse with a cause.
func FuzzVerify(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.jpeg)
		f.Add(withoutSegments(s.jpeg, markDHT))
		half := s.jpeg[:len(s.jpeg)/2]
		f.Add(append(bytes.TrimRight(half, "\xff"), 0xFF, markEOI))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		err := Verify(in, Limits{})
		if _, structure := Normalize(in, Limits{}); structure != nil && err == nil {
			t.Fatalf("Verify accepts the picture, but Normalize refuses it: %v", structure)
		}
		var refused *RefusedError
		if err != nil && (!errors.As(err, &refused) || !slices.Contains(Causes, refused.Cause)) {
			t.Fatalf("got %#v", err)
		}
	})
}
