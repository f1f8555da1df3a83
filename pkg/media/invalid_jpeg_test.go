package media

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNormalizeRefusesInvalidPictures(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(16, 16))
	restarts, progressive := sampleNamed(t, "cjpeg-restart.jpg").jpeg, sampleNamed(t, "cjpeg-progressive.jpg").jpeg
	tests := []struct {
		name, cause, what string
		in                []byte
	}{
		{"nothing", NotJPEG, "must begin with ff d8", nil},
		{"one byte", NotJPEG, "must begin with ff d8, begins with ff", []byte{0xFF}},
		{"text", NotJPEG, "begins with 3c 68 74 6d", []byte("<html>")},
		{"PNG", NotJPEG, "89 50", []byte("\x89PNG\r\n")},
		{"raw picture", NotJPEG, "80 80", bytes.Repeat([]byte{0x80}, 1000)},
		{"another picture instead of the end", Damaged, "ff d8", slices.Concat(plain[:len(plain)-2], plain)},
		{"no scan", Damaged, "before any scan", withoutSegments(plain, markSOS)},
		{"empty scan", Damaged, "empty scan", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOS {
				return p[:14]
			}
			return p
		})},
		{"no quantisation tables", Damaged, "before frame header and quant", withoutSegments(plain, markDQT)},
		{"no frame header", Damaged, "before frame header", withoutSegments(plain, markSOF0)},
		{"two frame headers", Damaged, "second frame header", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOF0 {
				return append(p, p...)
			}
			return p
		})},
		{"zeros between segments", Damaged, "00 where a marker", insertBefore(plain, markDHT, 0, 0)},
		{"ff 00 between segments", Damaged, "ff 00", insertBefore(plain, markDHT, 0xFF, 0)},
		{"reserved marker", Damaged, "reserved marker ff 02", insertBefore(plain, markDHT, 0xFF, 0x02, 0, 2)},
		{"last reserved marker", Damaged, "reserved marker ff bf", insertBefore(plain, markDHT, 0xFF, 0xBF, 0, 2)},
		{"segment length 1", Damaged, "segment length 1", insertBefore(plain, markDHT, 0xFF, 0xFE, 0, 1)},
		{"frame header too short", Damaged, "frame header of 5", insertBefore(plain, markSOF0, 0xFF, markSOF0, 0, 7, 8, 0, 16, 0, 16)},
		{"frame header too long", Damaged, "frame header of 15", setByte(plain, markSOF0, 9, 1)},
		{"sampling factor 0", Damaged, "component 01 02", setByte(plain, markSOF0, 11, 0x02)},
		{"sampling factor 5", Damaged, "component 01 15", setByte(plain, markSOF0, 11, 0x15)},
		{"sampling factor 0 across", Damaged, "component 01 10", setByte(plain, markSOF0, 11, 0x10)},
		{"sampling factor 5 across", Damaged, "component 01 51", setByte(plain, markSOF0, 11, 0x51)},
		{"quantisation table 4", Damaged, "component 01 22 04", setByte(plain, markSOF0, 12, 4)},
		{"scan of no component", Damaged, "scan header", setByte(plain, markSOS, 4, 0)},
		{"scan of four components", Damaged, "scan header", setByte(plain, markSOS, 4, 4)},
		{"scan of more components than the frame", Damaged, "scan header", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOF0 {
				return []byte{0xFF, markSOF0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0}
			}
			return p
		})},
		{"component that is not in the frame", Damaged, "component 09", setByte(plain, markSOS, 5, 9)},
		{"component twice in a scan", Damaged, "component 01", setByte(plain, markSOS, 7, 1)},
		{"component twice in the frame", Damaged, "two components 1", setByte(plain, markSOF0, 13, 1)},
		{"component without a scan", Damaged, "no scan of component 2", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOS {
				return append([]byte{0xFF, markSOS, 0, 8, 1, 1, 0, 0, 63, 0}, p[14:]...)
			}
			return p
		})},
		{"thirteen blocks in an MCU", Damaged, "13 blocks in an MCU", setByte(setByte(plain, markSOF0, 11, 0x24), markSOF0, 14, 0x22)},
		{"quantisation table that is not defined", Damaged, "no quantisation table 2", setByte(plain, markSOF0, 12, 2)},
		{"quantisation table cut short", Damaged, "quantisation table", insertBefore(plain, markSOF0, buildSegment(markDQT, make([]byte, 64)...)...)},
		{"quantisation table with a precision of 2", Damaged, "quantisation table 20", insertBefore(plain, markSOF0, buildSegment(markDQT, append([]byte{0x20}, make([]byte, 64)...)...)...)},
		{"Huffman table that is not defined", Damaged, "Huffman tables", setByte(plain, markSOS, 6, 0x22)},
		{"Huffman table 4", Damaged, "component 01 44", setByte(plain, markSOS, 6, 0x44)},
		{"Huffman table cut short", Damaged, "Huffman table", insertBefore(plain, markSOS, buildSegment(markDHT, standardHuffmanTables[1][:50]...)...)},
		{"Huffman table of class 2", Damaged, "Huffman table 20", insertBefore(plain, markSOS, buildSegment(markDHT, append([]byte{0x20}, standardHuffmanTables[0][1:]...)...)...)},
		{"Huffman table with three codes of one bit", Damaged, "more codes", insertBefore(plain, markSOS, buildSegment(markDHT, append([]byte{0, 3}, make([]byte, 18)...)...)...)},
		{"restart interval of one byte", Damaged, "restart interval of 1", insertBefore(plain, markSOS, buildSegment(markDRI, 1)...)},
		{"restart interval and no restart markers", Damaged, "0 restart markers, must be 63", insertBefore(encodeJPEG(t, noisyImage(128, 128)), markSOS, buildSegment(markDRI, 0, 1)...)},
		{"restart markers out of order", Damaged, "restart marker 3 after 2", bytes.Replace(restarts, []byte{0xFF, 0xD2}, []byte{0xFF, 0xD3}, 1)},
		{"restart markers and no restart interval", Damaged, "restart markers, must be 0", withoutSegments(restarts, markDRI)},
		{"scan too short for its blocks", Damaged, "bytes for", setByte(setByte(plain, markSOF0, 5, 0x10), markSOF0, 7, 0x10)},
		{"progressive scan that ends before it begins", Damaged, "progressive scan", bytes.Replace(progressive, []byte{1, 1, 0, 1, 5, 2}, []byte{1, 1, 0, 5, 1, 2}, 1)},
		{"101 scans", Unsupported, "more than 100 scans", editSegments(plain, func(p jpegSegment) []byte {
			if p.marker() == markSOS {
				return bytes.Repeat(p, 101)
			}
			return p
		})},
		{"lossless", Unsupported, "ff c3", setByte(plain, markSOF0, 1, 0xC3)},
		{"arithmetic", Unsupported, "ff c9", setByte(plain, markSOF0, 1, 0xC9)},
		{"arithmetic, progressive", Unsupported, "ff ca", setByte(plain, markSOF0, 1, 0xCA)},
		{"hierarchical", Unsupported, "ff de", insertBefore(plain, markSOF0, 0xFF, 0xDE, 0, 2)},
		{"JPEG-LS", Unsupported, "ff f7", setByte(plain, markSOF0, 1, 0xF7)},
		{"12 bits", Unsupported, "12 bits", setByte(plain, markSOF0, 4, 12)},
		{"two components", Unsupported, "2 components", insertBefore(plain, markSOF0, 0xFF, markSOF0, 0, 14, 8, 0, 9, 0, 9, 2, 1, 17, 0, 2, 17, 0)},
		{"height 0", Unsupported, "size 16x0", setByte(plain, markSOF0, 6, 0)},
		{"width 0", Unsupported, "size 0x16", setByte(plain, markSOF0, 8, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Normalize(tt.in, Limits{})
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("got %dx%d, %v", p.Width, p.Height, err)
			}
			if refused.Cause != tt.cause || !strings.Contains(err.Error(), tt.what) || refused.Offset > len(tt.in) {
				t.Errorf("got %v, want %s: %s", err, tt.cause, tt.what)
			}
			if !slices.Contains(Causes, refused.Cause) || p.JPEG != nil {
				t.Errorf("cause %q, %d bytes", refused.Cause, len(p.JPEG))
			}
		})
	}
}
