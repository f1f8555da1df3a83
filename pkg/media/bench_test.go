package media

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"
)

// picture100K is about 100 KB large.
func picture100K(b *testing.B) []byte {
	p := encodeJPEG(b, noisyImage(672, 480))
	if len(p) < 90_000 || len(p) > 110_000 {
		b.Fatalf("the picture has %d bytes", len(p))
	}
	return p
}

// BenchmarkNormalize is compared with a copy of the picture, and with a search for each FF in it, which every parser must do.
func BenchmarkNormalize(b *testing.B) {
	plain := picture100K(b)
	for _, in := range []struct {
		name string
		jpeg []byte
	}{
		{"whole", plain},
		{"no tables", withoutSegments(plain, markDHT)},
		{"oversized metadata", insertBefore(plain, markDQT, paddingSegments(markAPP1, "", 100_000)...)},
	} {
		b.Run(in.name, func(b *testing.B) {
			b.SetBytes(int64(len(in.jpeg)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Normalize(in.jpeg, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("baseline copy", func(b *testing.B) {
		to := make([]byte, len(plain))
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			copy(to, plain)
		}
	})
	b.Run("baseline search", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			for rest, i := plain, 0; i >= 0; rest = rest[i+1:] {
				i = bytes.IndexByte(rest, 0xFF)
			}
		}
	})
}

// BenchmarkVerify is compared with image/jpeg, which decodes to pixels.
func BenchmarkVerify(b *testing.B) {
	plain := encodeJPEG(b, noisyImage(1280, 720))
	b.Run("verify", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			if err := Verify(plain, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("baseline image/jpeg", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(plain)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkNewPart is compared with an allocation and copy of the same size.
func BenchmarkNewPart(b *testing.B) {
	plain, captured := picture100K(b), time.Now()
	b.Run("part", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			NewPart(plain, captured)
		}
	})
	b.Run("baseline clone", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			bytes.Clone(plain)
		}
	})
	b.Run("header alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			AllocatePart(0, captured)
		}
	})
}
