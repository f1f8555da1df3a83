package httpmjpeg

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// A length counts only after the one before was right.
func TestReaderExpectsBytesOnlyAfterRightLengths(t *testing.T) {
	a := string(noiseJPEG(t, 1))
	n := len(a)
	part := func(header string) []io.Reader { // the header, half of the picture, the rest
		return []io.Reader{strings.NewReader("--b\r\n" + header + "\r\n\r\n"), strings.NewReader(a[:n/2]), strings.NewReader(a[n/2:])}
	}
	length := func(n int) string { return fmt.Sprintf("Content-Type: image/jpeg\r\ncontent-LENGTH:  %d", n) }
	var source []io.Reader
	for _, header := range []string{length(n), length(n), length(n + 5), length(n), "X: y", length(n), length(-1), "Content-Length: 99999999999999999999", length(n)} {
		source = append(source, part(header)...)
	}
	var got []int
	r := New(Options{Source: io.MultiReader(source...), OnExpect: func(missing int) {
		if missing > 0 {
			got = append(got, missing)
		}
	}})
	for range 9 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{n - n/2, n + 5 - n/2}; !slices.Equal(got, want) {
		t.Errorf("expected %v, want %v", got, want)
	}
}

// Pictures that are cut off or damaged are left out although the server announces the lengths that whole pictures have.
func TestRightLengthsHideNoCutPicture(t *testing.T) {
	a, b := string(noiseJPEG(t, 1)), string(noiseJPEG(t, 2))
	part := func(n int, p string) string { return fmt.Sprintf("--b\r\nContent-Length: %d\r\n\r\n%s\r\n", n, p) }
	good := part(len(a), a) + part(len(a), a)
	for name, tt := range map[string]struct{ cut, next string }{
		"in the scan":     {a[:len(a)-9], b},
		"end marker lost": {a[:len(a)-2], b},
		"no scan":         {"\xff\xd8" + strings.Repeat("\xff\xd0", len(a)/2-2) + "\xff\xd9", b},
	} {
		got, damaged := readAll(t, Options{Source: strings.NewReader(good + part(len(a), tt.cut) + part(len(tt.next), tt.next))})
		if len(got) != 3 || string(got[2]) != tt.next || damaged != 1 {
			t.Errorf("%s: got %d pictures and %d damaged", name, len(got), damaged)
		}
	}
}

// While lengths are right, the data of a scan is not searched for markers.
func BenchmarkNextWithRightLengths(b *testing.B) {
	m := noiseJPEG(b, 1)
	scan := m[len(m)-1000 : len(m)-2]
	jpeg := append(append(m[:len(m)-2:len(m)-2], strings.Repeat(string(scan), 90)...), "\xff\xd9"...)
	r := New(Options{Source: &endlessReader{tail: fmt.Appendf(nil, "--b\r\nContent-Length: %d\r\n\r\n%s\r\n", len(jpeg), jpeg)}})
	b.SetBytes(int64(len(jpeg)))
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
