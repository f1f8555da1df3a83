package httpmjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// noiseJPEG returns a JPEG of noise, which contains every byte value.
func noiseJPEG(t testing.TB, seed uint64) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 48, 32))
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll returns every picture of a stream.
func readAll(t testing.TB, o Options) (pictures [][]byte, damaged uint64) {
	t.Helper()
	r := New(o)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return pictures, r.Skipped()
		}
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, bytes.Clone(p.JPEG))
	}
}

func TestReaderToleratesMalformedStreams(t *testing.T) {
	a, b, c := string(noiseJPEG(t, 1)), string(noiseJPEG(t, 2)), string(noiseJPEG(t, 3))
	part := func(boundary, end, header, p string) string {
		return boundary + end + header + end + end + p + end
	}
	typed := func(kind string) string { return "Content-Type: " + kind }
	length := func(n int) string { return typed("image/jpeg") + "\r\nContent-Length: " + fmt.Sprint(n) }
	fill := a[:len(a)-2] + "\xff\xff\xff\xd9"
	thumbnail := a[:2] + "\xff\xe1\x00\x0a\xff\xd8\xff\xda\xff\xd9xx" + a[2:]
	for _, tt := range []struct {
		name    string
		in      string
		want    []string
		damaged uint64
	}{
		{"as it should be", part("--b", "\r\n", length(len(a)), a) + part("--b", "\r\n", length(len(b)), b) + "--b--", []string{a, b}, 0},
		{"no length", part("--b", "\r\n", typed("image/jpeg"), a) + part("--b", "\r\n", typed("image/jpg"), b), []string{a, b}, 0},
		{"another boundary each time", part("--b", "\r\n", "", a) + part("----b", "\r\n", "", b) + part("c", "\r\n", "", c), []string{a, b, c}, 0},
		{"no boundary at all", a + b + c, []string{a, b, c}, 0},
		{"LF only", part("--b", "\n", length(len(a)), a) + part("--b", "\n", length(len(b)), b), []string{a, b}, 0},
		{"length too large", part("--b", "\r\n", length(len(a)*3), a) + part("--b", "\r\n", length(len(b)+1), b), []string{a, b}, 0},
		{"length too small", part("--b", "\r\n", length(3), a) + part("--b", "\r\n", length(0), b), []string{a, b}, 0},
		{"nonsense lengths", part("--b", "\r\n", length(-1), a) + part("--b", "\r\n", "Content-Length: 99999999999999999999", b), []string{a, b}, 0},
		{"headers of 100 KB", part("--b", "\r\n", strings.Repeat("X-Weather: fine, as far as the eye can see\r\n", 2400), a), []string{a}, 0},
		{"garbage between", "\xff\xd8\x00\xff\xd8\xff\xff\xff" + a + strings.Repeat("\xff\x00\xd8", 999) + b + "\xff\xd8", []string{a, b}, 1},
		{"other parts between", part("--b", "\r\n", typed("text/plain"), "motion 3") + part("--b", "\r\n", "", a), []string{a}, 0},
		{"cut off in the data", part("--b", "\r\n", length(len(a)), a[:len(a)-9]) + part("--b", "\r\n", length(len(b)), b), []string{b}, 1},
		{"cut off in a header", part("--b", "\r\n", "", a[:150]) + part("--b", "\r\n", "", strings.Repeat("x", 4000)+b) + c, []string{b, c}, 1},
		{"ends in the middle", a + b[:len(b)-1], []string{a}, 0},
		{"fill bytes", fill + b, []string{fill, b}, 0},
		{"thumbnail inside", thumbnail + b, []string{thumbnail, b}, 0},
		{"no scan", "\xff\xd8\xff\xd9" + a, []string{a}, 1},
		{"segment of no length", "\xff\xd8\xff\xe0\x00\x01" + a, []string{a}, 1},
		{"nothing", "", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, source := range map[string]io.Reader{
				"at once": strings.NewReader(tt.in), "by the byte": iotest.OneByteReader(strings.NewReader(tt.in)),
				"with its end": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, damaged := readAll(t, Options{Source: source})
				if damaged != tt.damaged || len(got) != len(tt.want) {
					t.Fatalf("%s: got %d pictures and %d damaged, want %d and %d", how, len(got), damaged, len(tt.want), tt.damaged)
				}
				for i, p := range got {
					if string(p) != tt.want[i] {
						t.Errorf("%s: picture %d differs, it has %d bytes", how, i, len(p))
					}
				}
			}
		})
	}
}

// Each picture that is left out is reported, with the reason.
func TestReaderReportsSkippedPictures(t *testing.T) {
	a := string(noiseJPEG(t, 1))
	var lost []SkippedPicture
	readAll(t, Options{Source: strings.NewReader(a[:len(a)-9] + a + "\xff\xd8\xff\xe0\x00\x01" + a),
		OnSkip: func(l SkippedPicture) { lost = append(lost, l) }})
	if want := []SkippedPicture{{Truncated: true}, {}}; !slices.Equal(lost, want) {
		t.Errorf("got %v, want %v", lost, want)
	}
}

// A picture beyond the limit is read to its end. A picture inside of it, such as a thumbnail, must not count as the next one.
func TestPictureBeyondLimitIsReadToItsEnd(t *testing.T) {
	a := string(noiseJPEG(t, 1))
	limit := len(a)
	thumbnail := "\xff\xe1" + string([]byte{byte((len(a) + 2) >> 8), byte(len(a) + 2)}) + a
	large := a[:2] + thumbnail + a[2:]
	for _, tt := range []struct {
		name, stream string
		pictures     int
		lost         []SkippedPicture
	}{
		{"whole", large + a, 1, []SkippedPicture{{Size: int64(len(large))}}},
		{"a byte too large", a[:2] + "\xff" + a[2:] + a, 1, []SkippedPicture{{Size: int64(len(a) + 1)}}},
		{"several", large + large + a + large, 1, []SkippedPicture{{Size: int64(len(large))}, {Size: int64(len(large))}, {Size: int64(len(large))}}},
		{"cut off by the next", large[:len(large)-2] + a, 1, []SkippedPicture{{Truncated: true, Size: int64(len(large))}}},
		{"the stream ends in it", large[:len(large)-2], 0, []SkippedPicture{{Size: int64(len(large) - 2)}}},
		{"the stream ends before the limit", large[:len(a)-2], 0, nil},
	} {
		var lost []SkippedPicture
		got, damaged := readAll(t, Options{Source: strings.NewReader(tt.stream), MaxBytes: limit, OnSkip: func(l SkippedPicture) { lost = append(lost, l) }})
		if len(got) != tt.pictures || !slices.Equal(lost, tt.lost) || damaged != uint64(len(tt.lost)) {
			t.Errorf("%s: %d pictures, %d damaged, lost %+v; want %d and %+v", tt.name, len(got), damaged, lost, tt.pictures, tt.lost)
		}
	}
}

// endlessReader sends a beginning and then the same bytes for ever.
type endlessReader struct {
	head, tail []byte
	at         int // in tail
}

func (e *endlessReader) Read(b []byte) (int, error) {
	if n := copy(b, e.head); n > 0 {
		e.head = e.head[n:]
		return n, nil
	}
	n := copy(b, e.tail[e.at:])
	e.at = (e.at + n) % len(e.tail)
	return n, nil
}

func TestReaderBoundsMemory(t *testing.T) {
	a := noiseJPEG(t, 1)
	const limit = 1 << 20
	for name, tail := range map[string]string{"scan": "\x55", "fill bytes": "\xff", "segments": "\xff\xe0\xff\xff", "start markers": "\xff\xd8"} {
		t.Run(name, func(t *testing.T) {
			e := &endlessReader{head: a[:len(a)-2], tail: bytes.Repeat([]byte(tail), 1000)}
			r := New(Options{Source: io.MultiReader(io.LimitReader(e, 8*limit), bytes.NewReader(make([]byte, 1<<16)), bytes.NewReader(a)), MaxBytes: limit})
			p, err := r.Next()
			if err != nil || !bytes.Equal(p.JPEG, a) {
				t.Errorf("got %d bytes, %v", len(p.JPEG), err)
			}
			if len(r.bytes) > limit+minRead {
				t.Errorf("%d bytes of memory for pictures of at most %d", len(r.bytes), limit)
			}
			if r.Skipped() == 0 {
				t.Error("nothing damaged")
			}
		})
	}
	if p, damaged := readAll(t, Options{Source: bytes.NewReader(a), MaxBytes: len(a)}); len(p) != 1 || damaged != 0 {
		t.Errorf("a picture as large as the limit: got %d, %d damaged", len(p), damaged)
	}
}

// A picture's times are those of its first and its last byte.
func TestNextReturnsTimesOfArrival(t *testing.T) {
	a := noiseJPEG(t, 1)
	begin := time.Now()
	reads := 0
	var pieces []io.Reader
	for _, piece := range []string{"--b\r\n\r\n", string(a[:9]), string(a[9:]), "\r\n--b\r\n\r\n", string(a)} {
		pieces = append(pieces, strings.NewReader(piece))
	}
	r := New(Options{Source: io.MultiReader(pieces...), Clock: func() time.Time { reads++; return begin.Add(time.Duration(reads)) }})
	for _, want := range [][2]time.Duration{{2, 3}, {5, 5}} {
		p, err := r.Next()
		if got := [2]time.Duration{p.StartedAt.Sub(begin), p.EndedAt.Sub(begin)}; err != nil || got != want {
			t.Errorf("arrived in reads %d, %v, want %d", got, err, want)
		}
	}
}

func TestNextReturnsSourceError(t *testing.T) {
	a := noiseJPEG(t, 1)
	broken := errors.New("broken")
	for _, n := range []int{0, 1, 2, 3, 20, len(a) - 1} {
		r := New(Options{Source: io.MultiReader(bytes.NewReader(a[:n]), iotest.ErrReader(broken))})
		for range 2 {
			if _, err := r.Next(); !errors.Is(err, broken) {
				t.Errorf("after %d bytes: got %v, want %v", n, err, broken)
			}
		}
	}
	if _, err := New(Options{Source: emptyReader{}}).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want %v", err, io.ErrNoProgress)
	}
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }

// Reader and the standard library return the same pictures of a valid body.
func TestReaderAgreesWithMimeMultipart(t *testing.T) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := range uint64(20) {
		p, err := w.CreatePart(map[string][]string{"Content-Type": {"image/jpeg"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(noiseJPEG(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, damaged := readAll(t, Options{Source: bytes.NewReader(body.Bytes())})
	if len(got) != 20 || damaged != 0 {
		t.Fatalf("got %d pictures, %d damaged", len(got), damaged)
	}
	for r := multipart.NewReader(&body, w.Boundary()); ; got = got[1:] {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(p); err != nil || !bytes.Equal(got[0], want) {
			t.Fatalf("%d bytes, %v, want %d", len(got[0]), err, len(want))
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	a := noiseJPEG(t, 1)
	r := New(Options{Source: &endlessReader{tail: a}})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func BenchmarkNext(b *testing.B) {
	m := image.NewGray(image.Rect(0, 0, 1280, 720))
	r := rand.New(rand.NewPCG(1, 0))
	for i := range m.Pix {
		m.Pix[i] = byte(i/8 + int(r.Uint32()%16))
	}
	var p bytes.Buffer
	if err := jpeg.Encode(&p, m, nil); err != nil {
		b.Fatal(err)
	}
	reader := New(Options{Source: &endlessReader{tail: p.Bytes()}})
	b.SetBytes(int64(p.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := reader.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzReader(f *testing.F) {
	a, b := noiseJPEG(f, 1), noiseJPEG(f, 2)
	f.Add([]byte("--b\r\nContent-Type: image/jpeg\r\n\r\n"+string(a)+"\r\n--b--"), uint16(5), uint16(1000))
	f.Add(append(bytes.Clone(a[:len(a)-7]), b...), uint16(1), uint16(0))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x04xx\xff\xda\x00\x02\x55\xff\x00\xff\xd0\xff\xff\xd9"), uint16(3), uint16(0))
	f.Add([]byte("\xff\xd8\xff\xe0\xff\xff\xff\xd8\xff\xda\x00\x02"), uint16(0), uint16(0))
	f.Add(append(withComment(a, 5000), b[:len(b)-9]...), uint16(100), uint16(200))
	f.Fuzz(func(t *testing.T, in []byte, piece, more uint16) {
		limit := len(a) + int(more)
		// The last picture is found whatever precedes it: no segment is longer than the zeros before it.
		whole := append(append(bytes.Clone(in), make([]byte, 1<<16)...), a...)
		got, damaged := readAll(t, Options{Source: bytes.NewReader(whole), MaxBytes: limit, OnSkip: func(l SkippedPicture) {
			if l.Size != 0 && (l.Size <= int64(limit) || l.Size > int64(len(whole))) {
				t.Fatalf("a picture of %d bytes is left out for its size, with a limit of %d", l.Size, limit)
			}
		}})
		rest := whole
		for _, p := range got {
			i := bytes.Index(rest, p)
			if i < 0 || len(p) > limit || !bytes.HasPrefix(p, []byte{markPrefix, markSOI, markPrefix}) || !bytes.HasSuffix(p, []byte{markPrefix, markEOI}) {
				t.Fatalf("%x is no picture of the stream", p)
			}
			rest = rest[i+len(p):]
		}
		if len(got) == 0 || !bytes.Equal(got[len(got)-1], a) {
			t.Fatalf("the last picture is not found; %d pictures", len(got))
		}
		// The result does not depend on the sizes of reads.
		again, damagedAgain := readAll(t, Options{Source: &chunkReader{bytes.NewReader(whole), int(piece) + 1}, MaxBytes: limit})
		if damaged != damagedAgain || len(again) != len(got) || !bytes.Equal(bytes.Join(again, nil), bytes.Join(got, nil)) {
			t.Fatalf("in pieces of %d: %d pictures and %d damaged, want %d and %d", int(piece)+1, len(again), damagedAgain, len(got), damaged)
		}
	})
}

// withComment returns a picture with a comment of n bytes.
func withComment(jpeg []byte, n int) []byte {
	comment := append([]byte{markPrefix, 0xFE, byte((n + 2) >> 8), byte(n + 2)}, make([]byte, n)...)
	return slices.Concat(jpeg[:2], comment, jpeg[2:])
}

// chunkReader returns at most n bytes from each Read.
type chunkReader struct {
	io.Reader
	size int
}

func (c *chunkReader) Read(b []byte) (int, error) { return c.Reader.Read(b[:min(len(b), c.size)]) }
