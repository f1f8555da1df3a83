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
