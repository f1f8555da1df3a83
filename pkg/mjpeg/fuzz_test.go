package mjpeg

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
	plain := encode(f, noisy(16, 16))
	f.Add(without(plain, markDHT))
	f.Add(before(plain, markDQT, 0xFF, 0xFF, 0xFE, 0, 4, 0xFF, markEOI))
	f.Add(before(plain, markDQT, 0xFF, markAPP1, 0, 28, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6))
	f.Fuzz(func(t *testing.T, in []byte) {
		given := bytes.Clone(in)
		p, err := Normalize(in, Limits{})
		if !bytes.Equal(in, given) {
			t.Fatal("the input was written to")
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
		if x := p.Exif; x != nil && (len(x) < 10 || !bytes.Contains(p.JPEG, x) || int(binary.BigEndian.Uint16(x[2:])) != len(x)-2 || string(x[4:10]) != "Exif\x00\x00") {
			t.Fatalf("no Exif segment of it: % x", x)
		}
		again, err := Normalize(p.JPEG, Limits{})
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
