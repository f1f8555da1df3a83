package media

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNormalizeLeavesWholePicturesUnchanged(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			padded := slices.Concat(s.jpeg, make([]byte, 100), s.jpeg)
			for _, in := range [][]byte{s.jpeg, padded} {
				p, err := Normalize(in, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if p.Width != s.width || p.Height != s.height {
					t.Errorf("got %dx%d, want %dx%d", p.Width, p.Height, s.width, s.height)
				}
				if !bytes.Equal(p.JPEG, s.jpeg) {
					t.Errorf("got %d bytes, want the %d of the picture as they are", len(p.JPEG), len(s.jpeg))
				}
				if &p.JPEG[0] != &in[0] || cap(p.JPEG) != len(p.JPEG) {
					t.Error("the result does not alias the input, or has its padding in reach")
				}
			}
		})
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			for n := 0; n < len(s.jpeg); n += 1 + len(s.jpeg)/300 {
				want := Truncated
				if n < 2 {
					want = NotJPEG
				}
				for _, in := range [][]byte{s.jpeg[:n], slices.Concat(s.jpeg[:n], make([]byte, 70000))} {
					p, err := Normalize(in, Limits{})
					var refused *RefusedError
					if !errors.As(err, &refused) {
						t.Fatalf("first %d bytes, %d in all: got %dx%d, %v", n, len(in), p.Width, p.Height, err)
					}
					if len(in) == n && refused.Cause != want {
						t.Errorf("first %d bytes: got %v, want %s", n, err, want)
					}
				}
			}
		})
	}
}

// The tables are those that image/jpeg writes, byte for byte.
func TestStandardTablesEqualThoseOfImageJPEG(t *testing.T) {
	for _, p := range splitSegments(encodeJPEG(t, noisyImage(8, 8))) {
		if p.marker() == markDHT && !bytes.Equal(p, standardDHT) {
			t.Errorf("got % x\nwant % x", standardDHT, []byte(p))
		}
	}
}

// The pictures use the standard tables and do not contain them, as UVC cameras send them.
func TestTablesAreInserted(t *testing.T) {
	for _, s := range samples(t) {
		if !strings.HasPrefix(s.name, "go") && s.name != "ffmpeg-422.jpg" && s.name != "opencv-restart.jpg" {
			continue // it has tables of its own
		}
		t.Run(s.name, func(t *testing.T) {
			bare := withoutSegments(s.jpeg, markDHT)
			given := bytes.Clone(bare)
			p, err := Normalize(append(bare, 0, 0, 0), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.JPEG) != len(bare)+len(standardDHT) || p.Width != s.width || p.Height != s.height {
				t.Errorf("got %d bytes, %dx%d", len(p.JPEG), p.Width, p.Height)
			}
			if !reflect.DeepEqual(decodeJPEG(t, p.JPEG), decodeJPEG(t, s.jpeg)) {
				t.Error("the picture decodes to other pixels")
			}
			if !bytes.Equal(bare, given) {
				t.Error("the input was modified")
			}
			again, err := Normalize(p.JPEG, Limits{})
			if err != nil || !bytes.Equal(again.JPEG, p.JPEG) || &again.JPEG[0] != &p.JPEG[0] {
				t.Errorf("normalised again: %d bytes, %v; want the same %d, not copied", len(again.JPEG), err, len(p.JPEG))
			}
		})
	}
}

// These structures are unusual, but allowed, and browsers decode them.
func TestNormalizeAcceptsUnusualStructure(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(40, 24))
	thumbnail := encodeJPEG(t, noisyImage(8, 8))
	exif := slices.Concat([]byte{0xFF, 0xE1, byte((len(thumbnail) + 2) >> 8), byte(len(thumbnail) + 2)}, thumbnail)
	all := samples(t)
	restarts := all[slices.IndexFunc(all, func(s sample) bool { return s.name == "opencv-restart.jpg" })]
	restartFill := restarts.jpeg
	for m := byte(markRST0); m <= markRST7; m++ {
		restartFill = bytes.ReplaceAll(restartFill, []byte{0xFF, m}, []byte{0xFF, 0xFF, 0xFF, m})
	}
	tests := []struct {
		name          string
		jpeg          []byte
		width, height int
	}{
		{"fill bytes", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOI {
				return p
			}
			return append([]byte{0xFF, 0xFF}, p...)
		}), 40, 24},
		{"fill bytes before restart markers", restartFill, restarts.width, restarts.height},
		{"stray restart and TEM markers between segments", insertBefore(plain, markDQT, 0xFF, markTEM, 0xFF, markRST0), 40, 24},
		{"comment with an end marker", insertBefore(plain, markDQT, 0xFF, 0xFE, 0, 6, 0xFF, markEOI, 'a', 'b'), 40, 24},
		{"empty comment", insertBefore(plain, markDQT, 0xFF, 0xFE, 0, 2), 40, 24},
		{"thumbnail", insertBefore(plain, markDQT, exif...), 40, 24},
		{"AVI1", insertBefore(plain, markDQT, 0xFF, 0xE0, 0, 8, 'A', 'V', 'I', '1', 0, 0), 40, 24},
		{"comment behind the scan", insertBefore(plain, markEOI, 0xFF, 0xFE, 0, 3, 'x'), 40, 24},
		{"number of lines behind the scan", insertBefore(plain, markEOI, 0xFF, 0xDC, 0, 4, 0, 24), 40, 24},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Normalize(slices.Concat(tt.jpeg, plain), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.JPEG, tt.jpeg) || p.Width != tt.width || p.Height != tt.height {
				t.Errorf("got %d bytes, %dx%d; want %d, %dx%d", len(p.JPEG), p.Width, p.Height, len(tt.jpeg), tt.width, tt.height)
			}
		})
	}
}

// The first scan cannot use a table that comes only after it.
func TestTablesAfterTheFirstScanDoNotServeIt(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(16, 16))
	bare := withoutSegments(plain, markDHT)
	p, err := Normalize(insertBefore(bare, markEOI, standardDHT...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := insertBefore(plain, markEOI, standardDHT...); !bytes.Equal(p.JPEG, want) {
		t.Errorf("got %d bytes, want %d", len(p.JPEG), len(want))
	}
}

func TestNormalizeAllocatesNothing(t *testing.T) {
	for _, s := range samples(t) {
		if got := testing.AllocsPerRun(100, func() { Normalize(s.jpeg, Limits{}) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", s.name, got)
		}
	}
}
