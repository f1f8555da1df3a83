package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// buildSegment is a marker segment.
func buildSegment(mark byte, body ...byte) []byte {
	b := []byte{0xFF, mark}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body)+2)), body...)
}

// paddingSegments is n bytes of the largest segments with a marker.
func paddingSegments(mark byte, name string, n int) (b []byte) {
	for len(b) < n {
		body := append([]byte(name), bytes.Repeat([]byte{'x'}, min(n-len(b), 65533-len(name)))...)
		b = append(b, buildSegment(mark, body...)...)
	}
	return b
}

// exifBody has an orientation among other entries, as cameras write it.
func exifBody(order binary.AppendByteOrder, value uint16, thumbnail int) []byte {
	b := []byte("Exif\x00\x00MM\x00\x2a")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		b = []byte("Exif\x00\x00II\x2a\x00")
	}
	b = order.AppendUint32(b, 12)
	b = append(b, "gap!"...)
	b = order.AppendUint16(b, 2)
	for _, tag := range []uint16{0x0110, tagOrientation} { // the model before it
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, value)
		b = order.AppendUint16(b, 0)
	}
	b = order.AppendUint32(b, 0)
	return append(b, make([]byte, thumbnail)...)
}

func TestOversizedMetadataIsRemoved(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(320, 240))
	for _, tt := range []struct {
		name   string
		insert []byte
	}{
		{"application segments", paddingSegments(0xE9, "", 31<<20)},
		{"comments", paddingSegments(markCOM, "", 1<<20)},
		{"XMP", paddingSegments(markAPP1, "http://ns.adobe.com/xap/1.0/\x00", 200_000)},
		{"small segments", bytes.Repeat([]byte{0xFF, 0xE3, 0, 2}, 20_000)},
		{"fill bytes", bytes.Repeat([]byte{0xFF}, 100_000)},
		{"markers that stand alone", bytes.Repeat([]byte{0xFF, markTEM}, 50_000)},
		{"a large colour profile", paddingSegments(markAPP2, "ICC_PROFILE\x00\x01\x02", 100_000)},
		{"thumbnails", slices.Concat(buildSegment(markAPP0, append([]byte("JFXX\x00"), make([]byte, 60_000)...)...), buildSegment(markAPP1, make([]byte, 60_000)...))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := insertBefore(plain, markDQT, tt.insert...)
			p, err := Normalize(in, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.JPEG, plain) || p.Exif != nil {
				t.Errorf("%d bytes became %d, want the %d without metadata", len(in), len(p.JPEG), len(plain))
			}
		})
	}
}

func TestOversizedMetadataKeepsOrientation(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(32, 24))
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		for way := range uint16(10) {
			t.Run(fmt.Sprint(order, way), func(t *testing.T) {
				exif := buildSegment(markAPP1, exifBody(order, way, 60_000)...)
				p, err := Normalize(insertBefore(plain, markDQT, slices.Concat(exif, paddingSegments(markCOM, "", 9000))...), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if way < 2 || way > 8 { // not turned, or invalid
					if !bytes.Equal(p.JPEG, plain) || p.Exif != nil {
						t.Errorf("%d bytes, Exif % x; want the picture alone", len(p.JPEG), p.Exif)
					}
					return
				}
				if got := orientation(p.Exif[4:]); got != way || !bytes.Contains(p.JPEG, p.Exif) || len(p.JPEG) != len(plain)+36 {
					t.Errorf("%d bytes, orientation %d, want %d; Exif % x", len(p.JPEG), got, way, p.Exif)
				}
				if !reflect.DeepEqual(decodeJPEG(t, p.JPEG), decodeJPEG(t, plain)) {
					t.Error("the picture decodes to other pixels")
				}
			})
		}
	}
}

// The segments that decoders need for the right colours stay.
func TestOversizedMetadataKeepsColourSegments(t *testing.T) {
	profile := buildSegment(markAPP2, append([]byte("ICC_PROFILE\x00\x01\x01"), make([]byte, 3000)...)...)
	for _, name := range []string{"pil-cmyk.jpg", "cjpeg-rgb.jpg", "cjpeg-420.jpg"} {
		t.Run(name, func(t *testing.T) {
			s := sampleNamed(t, name)
			in := insertBefore(s.jpeg, markSOF0, slices.Concat(profile, paddingSegments(markAPP1, "", 70_000))...)
			p, err := Normalize(in, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.JPEG) > len(s.jpeg)+len(profile) || !bytes.Contains(p.JPEG, profile) {
				t.Errorf("%d bytes became %d, want %d", len(in), len(p.JPEG), len(s.jpeg)+len(profile))
			}
			if !reflect.DeepEqual(decodeJPEG(t, p.JPEG), decodeJPEG(t, s.jpeg)) {
				t.Error("the picture decodes to other pixels")
			}
		})
	}
}

// A thumbnail in the JFIF segment is removed. The segment stays.
func TestOversizedJFIFLosesItsThumbnail(t *testing.T) {
	s := sampleNamed(t, "cjpeg-420.jpg")
	large := append([]byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x90\x90"), make([]byte, 0x90*0x90*3)...)
	p, err := Normalize(insertBefore(withoutSegments(s.jpeg, markAPP0), markDQT, slices.Concat(buildSegment(markAPP0, large...), paddingSegments(markCOM, "", 9000))...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := buildSegment(markAPP0, append(large[:12:12], 0, 0)...); !bytes.Contains(p.JPEG, want) || len(p.JPEG) > len(s.jpeg)+40 {
		t.Errorf("%d bytes, want the segment % x in them", len(p.JPEG), want)
	}
}

// Metadata of usual size is forwarded unchanged and without a copy.
func TestUsualMetadataStays(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(320, 240))
	in := insertBefore(plain, markDQT, slices.Concat(
		buildSegment(markAPP1, exifBody(binary.LittleEndian, 6, 30_000)...), buildSegment(markCOM, make([]byte, 20_000)...), paddingSegments(markAPP2, "ICC_PROFILE\x00\x01\x01", 3000),
	)...)
	p, err := Normalize(in, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if &p.JPEG[0] != &in[0] || len(p.JPEG) != len(in) || orientation(p.Exif[4:]) != 6 {
		t.Errorf("%d of %d bytes, orientation %d", len(p.JPEG), len(in), orientation(p.Exif[4:]))
	}
	if got := testing.AllocsPerRun(10, func() { Normalize(in, Limits{}) }); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func TestTablesAreInsertedAndMetadataRemoved(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(320, 240))
	p, err := Normalize(insertBefore(withoutSegments(plain, markDHT), markSOF0, paddingSegments(markAPP1, "", 100_000)...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decodeJPEG(t, p.JPEG), decodeJPEG(t, plain)) || len(p.JPEG) != len(plain) {
		t.Errorf("%d bytes, want %d with the same pixels", len(p.JPEG), len(plain))
	}
}

// A picture that lacks some of the standard tables gets those.
func TestOnlyMissingTablesAreInserted(t *testing.T) {
	plain := encodeJPEG(t, noisyImage(40, 24))
	p, err := Normalize(insertBefore(withoutSegments(plain, markDHT), markSOS, dhtSegment(standardHuffmanTables[0], standardHuffmanTables[3])...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decodeJPEG(t, p.JPEG), decodeJPEG(t, plain)) {
		t.Error("the picture decodes to other pixels")
	}
}

func TestOrientationOfDamagedExifIsNormal(t *testing.T) {
	whole := exifBody(binary.LittleEndian, 6, 0)
	for n := len(exifName); n < len(whole)-8; n++ { // up to the end of the entry
		if got := orientation(whole[:n]); got != 1 {
			t.Errorf("first %d bytes: orientation %d, want 1", n, got)
		}
	}
	far := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(far[10:], 1<<32-1)
	if got := orientation(far); got != 1 {
		t.Errorf("a directory far away: orientation %d, want 1", got)
	}
}
