package media

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The standard library can read the stream.
func TestPartsAreMultipart(t *testing.T) {
	media, params, err := mime.ParseMediaType(ContentType)
	if err != nil || media != "multipart/x-mixed-replace" || params["boundary"] != Boundary {
		t.Fatalf("content type %q: %q, %v, %v", ContentType, media, params, err)
	}
	captured := time.Date(2026, 3, 4, 5, 6, 7, 80_900_000, time.UTC)
	pictures := [][]byte{{}, {0}, encodeJPEG(t, noisyImage(40, 24)), []byte("\r\n--camd\r\n"), make([]byte, 100_000)}
	stream := []byte(Preamble)
	for i, picture := range pictures {
		part, _ := NewPart(picture, captured.Add(time.Duration(i)*time.Second))
		stream = append(stream, part...)
	}
	r := multipart.NewReader(bytes.NewReader(stream), Boundary)
	for i, picture := range pictures {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil || !bytes.Equal(body, picture) {
			t.Errorf("part %d: got %d bytes, %v; want %d", i, len(body), err, len(picture))
		}
		if got, want := p.Header.Get("Content-Length"), strconv.Itoa(len(picture)); got != want || len(p.Header) != 3 {
			t.Errorf("part %d: length %q, want %q; header %v", i, got, want, p.Header)
		}
		if got := p.Header.Get("Content-Type"); got != "image/jpeg" {
			t.Errorf("part %d: type %q", i, got)
		}
		if got := p.Header.Get("X-Timestamp"); !parseTimestamp(t, got).Equal(captured.Add(time.Duration(i) * time.Second)) {
			t.Errorf("part %d: timestamp %q", i, got)
		}
	}
	if p, err := r.NextRawPart(); err == nil {
		t.Errorf("one more part: %v", p.Header)
	}
}

func TestAllocatePartEqualsNewPart(t *testing.T) {
	captured := time.Now()
	for _, n := range []int{0, 1, 9, 10, 99_999, 100_000} {
		picture := bytes.Repeat([]byte{'x'}, n)
		part, inside := NewPart(picture, captured)
		laid, gap := AllocatePart(n, captured)
		copy(gap, picture)
		if !bytes.Equal(laid, part) || !bytes.Equal(inside, picture) {
			t.Errorf("%d bytes: Layout and NewPart differ", n)
		}
		if !bytes.HasSuffix(part, []byte("\r\n--"+Boundary+"\r\n")) {
			t.Errorf("%d bytes: no closing boundary", n)
		}
		if len(gap) != n || cap(gap) != n {
			t.Errorf("%d bytes: the gap has %d, and %d in reach", n, len(gap), cap(gap))
		}
		if got := testing.AllocsPerRun(100, func() { sink, _ = AllocatePart(n, captured) }); got != 1 {
			t.Errorf("%d bytes: %v allocations, want 1", n, got)
		}
	}
}

func TestNormalizePartHoldsTheNormalizedPicture(t *testing.T) {
	captured := time.Now()
	whole := encodeJPEG(t, noisyImage(40, 24))
	withoutTables := withoutSegments(whole, 0xC4)
	p, err := Normalize(withoutTables, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tables := len(p.JPEG) - len(withoutTables)
	for name, picture := range map[string][]byte{
		"as it comes":               whole,
		"padded":                    append(bytes.Clone(whole), make([]byte, 100)...),
		"without tables":            withoutTables,
		"padding as long as tables": append(bytes.Clone(withoutTables), make([]byte, tables)...),
	} {
		part, inside := NewPart(picture, captured)
		normalized, p, err := NormalizePart(part, inside, captured, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := Normalize(bytes.Clone(picture), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantPart, _ := NewPart(want.JPEG, captured)
		if !bytes.Equal(normalized, wantPart) || !bytes.Equal(p.JPEG, want.JPEG) {
			t.Errorf("%s: the part does not hold the normalized picture", name)
		}
		if isSame := &normalized[0] == &part[0]; isSame != (name == "as it comes") {
			t.Errorf("%s: the part is the same: %v", name, isSame)
		}
	}
	part, inside := NewPart(whole[:100], captured)
	if _, _, err := NormalizePart(part, inside, captured, Limits{}); err == nil {
		t.Error("a cut picture is accepted")
	}
}

var sink []byte

func TestFormatTimestampHasSixDecimals(t *testing.T) {
	tests := []struct {
		at   time.Time
		want string
	}{
		{time.Unix(0, 0), "0.000000"},
		{time.Unix(1_700_000_000, 0), "1700000000.000000"},
		{time.Unix(1_700_000_000, 1_000), "1700000000.000001"},
		{time.Unix(1_700_000_000, 100_000_000), "1700000000.100000"},
		{time.Unix(1_700_000_000, 999_999_999), "1700000000.999999"},
		{time.Unix(0, -1_000), "-0.000001"},
		{time.Unix(-1, 0), "-1.000000"},
		{time.Unix(-2, 500_000_000), "-1.500000"},
		{time.Time{}, "-62135596800.000000"},
	}
	for _, tt := range tests {
		if got := FormatTimestamp(tt.at); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.at, got, tt.want)
		}
		if got := parseTimestamp(t, tt.want); !got.Equal(tt.at.Truncate(time.Microsecond)) {
			t.Errorf("%s: parsed to %v, want %v", tt.want, got, tt.at)
		}
	}
}

// parseTimestamp parses X-Timestamp exactly: without the point, it is a number of microseconds.
func parseTimestamp(t *testing.T, s string) time.Time {
	t.Helper()
	micros, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	if err != nil || strings.Index(s, ".") != len(s)-7 {
		t.Fatalf("timestamp %q: %v", s, err)
	}
	return time.UnixMicro(micros)
}
