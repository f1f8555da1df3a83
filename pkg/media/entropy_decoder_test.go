package media

import (
	"bytes"
	"errors"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"testing"
)

// Verify finds no damage in pictures of real encoders.
func TestVerifyAcceptsWholePictures(t *testing.T) {
	for _, s := range samples(t) {
		for _, in := range [][]byte{s.jpeg, slices.Concat(s.jpeg, make([]byte, 100))} {
			if err := Verify(in, Limits{}); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
	}
	for _, name := range []string{"go", "ffmpeg-422.jpg", "ffmpeg-444.jpg", "gstreamer.jpg", "cjpeg-420.jpg", "opencv-restart.jpg"} {
		if err := Verify(withoutSegments(sampleNamed(t, name).jpeg, markDHT), Limits{}); err != nil {
			t.Errorf("%s without its tables: %v", name, err)
		}
	}
}

// The pictures are cut in the first four fifths of their first scan, and get an end marker there.
func TestVerifyFindsCutScans(t *testing.T) {
	for _, s := range samples(t) {
		begin, end := firstScanData(t, s.jpeg)
		if end-begin < 100 {
			continue // one row of blocks
		}
		t.Run(s.name, func(t *testing.T) {
			for n := begin; n < begin+(end-begin)*4/5; n += 1 + (end-begin)/100 {
				if s.jpeg[n-1] == 0xFF { // with the end marker it would become a fill byte
					continue
				}
				in := append(bytes.Clone(s.jpeg[:n]), 0xFF, markEOI)
				err := Verify(in, Limits{})
				var refused *RefusedError
				if !errors.As(err, &refused) || refused.Cause != Damaged {
					t.Fatalf("cut after %d of %d bytes of data: %v", n-begin, end-begin, err)
				}
			}
		})
	}
}

// Verify finds no damage in an encoded picture of any size, quality and content.
func TestVerifyAcceptsEveryEncodedPicture(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		img := noisyImage(1+random.IntN(100), 1+random.IntN(100))
		var b bytes.Buffer
		quality := 1 + random.IntN(100)
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		if err := Verify(b.Bytes(), Limits{}); err != nil {
			t.Errorf("%v, quality %d: %v", img.Bounds(), quality, err)
		}
	}
}

// A part of the last row of blocks may be missing, as in pictures of cheap cameras.
func TestVerifyAcceptsMissingLastBlocks(t *testing.T) {
	whole := encodeJPEG(t, noisyImage(640, 480))
	begin, end := firstScanData(t, whole)
	for _, tt := range []struct {
		percent int
		good    bool
	}{{100, true}, {98, true}, {90, false}, {50, false}} {
		n := begin + (end-begin)*tt.percent/100
		in := append(bytes.Clone(whole[:n]), 0, 0xFF, markEOI)
		if err := Verify(in, Limits{}); (err == nil) != tt.good {
			t.Errorf("%d %% of the data: %v, want good %v", tt.percent, err, tt.good)
		}
	}
}

func sampleNamed(t testing.TB, name string) sample {
	t.Helper()
	all := samples(t)
	at := slices.IndexFunc(all, func(s sample) bool { return s.name == name })
	if at < 0 {
		t.Fatalf("no picture %s", name)
	}
	return all[at]
}

// firstScanData returns where the entropy-coded data of the first scan begins and ends.
func firstScanData(t testing.TB, b []byte) (begin, end int) {
	t.Helper()
	s := parser{b: b, pos: 2, limits: DefaultLimits}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	begin = s.firstScan + 2 + int(b[s.firstScan+2])<<8 + int(b[s.firstScan+3])
	s.pos = begin
	if _, err := s.skipEntropyData(); err != nil {
		t.Fatal(err)
	}
	return begin, s.pos
}
