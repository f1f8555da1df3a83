package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// chunkings are readers that return the same bytes in different portions.
var chunkings = map[string]func([]byte) io.Reader{
	"at once":        func(b []byte) io.Reader { return bytes.NewReader(b) },
	"byte by byte":   func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) },
	"by halves":      func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) },
	"with late EOFs": func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
}

func TestMessagesRoundTrip(t *testing.T) {
	sizes := []int{1, 511, 512, 513, 100_000}
	stream := encodeMessages(t, sampleMessages...)
	for _, n := range sizes {
		stream = append(stream, encodeFrame(t, n)...)
		stream = append(stream, encodeMessages(t, Heartbeat{1, 2})...)
	}
	for _, f := range sampleVideoFrames {
		stream = append(stream, encodeVideoFrame(t, f, 1000)...)
	}
	for name, from := range chunkings {
		t.Run(name, func(t *testing.T) {
			r := NewReader(from(stream))
			want := func(want Message) {
				t.Helper()
				if got, err := r.Next(); err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("got %+v, %v; want %+v", got, err, want)
				}
			}
			for _, m := range sampleMessages {
				want(m)
			}
			for _, n := range sizes {
				sized := sampleFrame
				sized.Size = n
				want(sized)
				p := make([]byte, n)
				if err := r.ReadPicture(p); err != nil || !bytes.Equal(p, bytes.Repeat([]byte{0xA5}, n)) {
					t.Fatalf("picture of %d bytes: %v", n, err)
				}
				want(Heartbeat{1, 2})
			}
			for _, f := range sampleVideoFrames {
				f.Size = 1000
				want(f)
				if err := r.SkipPicture(); err != nil {
					t.Fatal(err)
				}
			}
			if m, err := r.Next(); err != io.EOF {
				t.Errorf("at the end: got %v, %v; want EOF itself", m, err)
			}
		})
	}
}

// readToEnd reads to the end and returns what ended it.
func readToEnd(r io.Reader) error {
	for in := NewReader(r); ; {
		m, err := in.Next()
		if err != nil {
			return err
		}
		if f, ok := m.(Frame); ok {
			if err := in.ReadPicture(make([]byte, f.Size)); err != nil {
				return err
			}
		}
	}
}

func TestReaderReportsTruncationAtEveryByte(t *testing.T) {
	var stream []byte
	ends := []int{0}
	for _, m := range sampleMessages {
		stream = append(stream, encodeMessages(t, m)...)
		ends = append(ends, len(stream))
	}
	stream = append(stream, encodeFrame(t, 600)...)
	ends = append(ends, len(stream))
	for name, from := range chunkings {
		t.Run(name, func(t *testing.T) {
			for n := range len(stream) + 1 {
				err := readToEnd(from(stream[:n]))
				if between := slices.Contains(ends, n); between && err != io.EOF {
					t.Errorf("cut at %d, between messages: got %v, want EOF itself", n, err)
				} else if !between && (!errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "incomplete message")) {
					t.Errorf("cut at %d, within a message: got %v", n, err)
				}
			}
		})
	}
}

func TestNextFailsBeforePictureIsRead(t *testing.T) {
	r := NewReader(bytes.NewReader(append(encodedHello(t), encodeFrame(t, 5)...)))
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "was not read") {
		t.Errorf("next message although the picture was not read: %v", err)
	}
	for _, n := range []int{0, 4, 6} {
		if err := r.ReadPicture(make([]byte, n)); err == nil || !strings.Contains(err.Error(), "for a picture of 5") {
			t.Errorf("buffer of %d bytes for a picture of 5: %v", n, err)
		}
	}
	if err := r.ReadPicture(make([]byte, 5)); err != nil {
		t.Errorf("after the wrong buffers: %v", err)
	}
	if err := r.ReadPicture(make([]byte, 5)); err == nil {
		t.Error("a picture was taken twice")
	}
}

func TestSkipPictureReachesNextMessage(t *testing.T) {
	stream := append(encodedHello(t), encodeFrame(t, 100_000)...)
	whole := append(stream, encodeMessages(t, Heartbeat{1, 2})...)
	for name, from := range chunkings {
		t.Run(name, func(t *testing.T) {
			r := NewReader(from(whole))
			for range 2 {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.SkipPicture(); err != nil {
				t.Fatal(err)
			}
			if m, err := r.Next(); err != nil || m != (Heartbeat{1, 2}) {
				t.Errorf("behind the picture: got %+v, %v", m, err)
			}
			r = NewReader(from(stream[:len(stream)-1]))
			for range 2 {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.SkipPicture(); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("incomplete: %v", err)
			}
		})
	}
}

func TestWriterRejectsOversizedMessages(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, n := range []int{0, MaxFrame + 1} {
		if err := w.WriteFrame(sampleFrame, make([]byte, n)); err == nil || b.Len() != 0 {
			t.Errorf("picture of %d bytes: %v, %d written", n, err, b.Len())
		}
	}
	if err := w.WriteFrame(sampleFrame, make([]byte, MaxFrame)); err != nil {
		t.Errorf("largest picture: %v", err)
	}
	if err := readToEnd(io.MultiReader(bytes.NewReader(encodedHello(t)), &b)); err != io.EOF {
		t.Errorf("reading the largest picture: %v", err)
	}
	overhead := len(encodeMessages(t, Ended{})) - 4
	largest := Ended{Detail: strings.Repeat("x", MaxMessage-overhead)}
	if err := readToEnd(bytes.NewReader(encodeMessages(t, Hello{Version}, largest))); err != io.EOF {
		t.Errorf("largest message: %v", err)
	}
	b.Reset()
	largest.Detail += "x"
	if err := w.Write(largest); err == nil || b.Len() != 0 {
		t.Errorf("message too large: %v, %d written", err, b.Len())
	}
}

// brokenPipe accepts a few writes and then fails.
type brokenPipe struct{ writes int }

func (p *brokenPipe) Write(b []byte) (int, error) {
	if p.writes--; p.writes < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

func TestClosedPeerReturnsError(t *testing.T) {
	if err := NewWriter(&brokenPipe{}).Write(Stop{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("message: %v", err)
	}
	for writes := range 2 {
		if err := NewWriter(&brokenPipe{writes}).WriteFrame(sampleFrame, []byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("frame, after %d writes: %v", writes, err)
		}
	}
	want := errors.New("lost")
	if err := readToEnd(io.MultiReader(bytes.NewReader(encodedHello(t)), iotest.ErrReader(want))); !errors.Is(err, want) {
		t.Errorf("reading: %v, want %v", err, want)
	}
}

func TestFramesAllocateAtMostOnce(t *testing.T) {
	stream := bytes.NewReader(append(encodedHello(t), bytes.Repeat(encodeFrame(t, 1000), 200)...))
	r, picture := NewReader(stream), make([]byte, 1000)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(100, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if err := r.ReadPicture(picture); err != nil {
			t.Fatal(err)
		}
	})
	if got > 1 { // the message
		t.Errorf("reading a frame: %v allocations, want at most 1", got)
	}
	w := NewWriter(io.Discard)
	if got := testing.AllocsPerRun(100, func() { w.WriteFrame(sampleFrame, picture) }); got != 0 {
		t.Errorf("writing a frame: %v allocations, want 0", got)
	}
}
