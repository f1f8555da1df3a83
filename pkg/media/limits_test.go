package media

import (
	"errors"
	"testing"
)

func TestNormalizeEnforcesLimits(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(320, 240))
	padded := insertBefore(plain, markDQT, paddingSegments(markAPP1, "", 1<<20)...)
	bare := withoutSegments(plain, markDHT)
	huge := setByte(setByte(setByte(setByte(plain, markSOF0, 5, 0xFF), markSOF0, 6, 0xDC), markSOF0, 7, 0xFF), markSOF0, 8, 0xDC)
	for _, tt := range []struct {
		name   string
		in     []byte
		limits Limits
		cause  string // empty: accepted
	}{
		{"as many bytes as allowed", plain, Limits{Bytes: len(plain)}, ""},
		{"a byte more", plain, Limits{Bytes: len(plain) - 1}, TooLarge},
		{"what is left out does not count", padded, Limits{Bytes: len(plain)}, ""},
		{"what is left does", padded, Limits{Bytes: len(plain) - 1}, TooLarge},
		{"tables that are put in count", bare, Limits{Bytes: len(plain) - 1}, TooLarge},
		{"padding behind the picture does not count", append(plain[:len(plain):len(plain)], make([]byte, 9<<20)...), Limits{}, ""},
		{"a scan with padding does", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOS {
				return append(p, make([]byte, 9<<20)...)
			}
			return p
		}), Limits{}, TooLarge},
		{"as many pixels as allowed", plain, Limits{Pixels: 320 * 240}, ""},
		{"a pixel more", plain, Limits{Pixels: 320*240 - 1}, TooLarge},
		{"65500x65500", huge, Limits{}, TooLarge},
		{"65500x65500, allowed", huge, Limits{Pixels: 1 << 33}, Damaged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Normalize(tt.in, tt.limits)
			var refused *RefusedError
			switch {
			case tt.cause == "" && (err != nil || len(p.JPEG) != len(plain)):
				t.Errorf("%d bytes, %v", len(p.JPEG), err)
			case tt.cause != "" && (!errors.As(err, &refused) || refused.Cause != tt.cause || p.JPEG != nil):
				t.Errorf("%d bytes, %v, want %s", len(p.JPEG), err, tt.cause)
			}
		})
	}
}
