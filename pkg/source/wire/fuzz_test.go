package wire

import (
	"bytes"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// FuzzReader sends hostile bytes, after a valid hello or without.
func FuzzReader(f *testing.F) {
	stream := append(encodeMessages(f, sampleMessages...), encodeFrame(f, 20)...)
	f.Add(stream)
	f.Add(stream[:len(stream)-1])
	f.Add(encodeFrame(f, 1)[:20])
	for _, m := range sampleMessages {
		f.Add(encodeMessages(f, m))
	}
	f.Add([]byte("\xff\xff\xff\xffF"))
	f.Add(rawMessage(kindOpened, `{"x":[[[[{"y":null}]]]]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, b := range [][]byte{in, append(encodedHello(t), in...)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			readHostile(t, b)
			runtime.ReadMemStats(&after)
			// Messages announce at most MaxMessage each, and only the last can be cut short.
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2*MaxMessage+1<<20+100*len(b)); got > most {
				t.Fatalf("%d bytes of input made it allocate %d", len(b), got)
			}
		}
	})
}

// readHostile reads to the end. It reads no more of a picture than there are bytes.
func readHostile(t *testing.T, b []byte) {
	r := NewReader(bytes.NewReader(b))
	for {
		m, err := r.Next()
		if err != nil {
			if m != nil || err != io.EOF && !strings.HasPrefix(err.Error(), "wire: ") {
				t.Fatalf("got %v, %v", m, err)
			}
			return
		}
		if f, ok := m.(Frame); ok {
			if f.Size < 1 || f.Size > MaxFrame {
				t.Fatalf("frame of %d bytes", f.Size)
			}
			if f.Size > len(b) {
				return
			}
			if err := r.ReadPicture(make([]byte, f.Size)); err != nil {
				return
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("rtsp://host/", "secret", 1280, 29.97, true, int64(5), uint64(6), []byte("jpeg"))
	f.Add("", "\x00\"\\", -1, 1e-300, false, int64(-1), uint64(1<<64-1), []byte{})
	f.Fuzz(func(t *testing.T, s, text string, n int, x float64, on bool, at int64, count uint64, picture []byte) {
		s, text = strings.ToValidUTF8(s, ""), strings.ToValidUTF8(text, "")
		if x-x != 0 {
			x = 0 // JSON has neither infinity nor NaN
		}
		sent := []Message{
			Hello{Version},
			Start{Source: s, User: text, Password: s + text, Renditions: []camera.Rendition{{Name: s, Width: n, FPS: x, Quality: -n}},
				Capture: options.Capture{Size: sourceurl.Size{Width: n, Height: -n}, FPS: x, Once: on, OpenTimeout: time.Duration(at)}},
			Opened{Backend: text, Codec: s, Width: n, FPS: x, Passthrough: on, Note: text},
			Heartbeat{at, count}, Demand{uint8(n) % options.MaxRenditions, on, time.Duration(count >> 1)}, Stop{}, Ended{s, text, on},
			VideoFormat{Codec: s, CodecString: text, Width: n, Height: -n, Init: append([]byte{0}, picture...)},
			SetControls{Request: uint32(n), Set: map[string]camera.Setting{s: {Kind: text, Number: at, Text: s}}},
			Controls{Request: uint32(n), ErrorKind: s, Refused: map[string]string{s: text}, List: []camera.Control{
				{Name: s, Title: text, Min: at, Value: int64(n), HasValue: on, Menu: map[int64]string{at: s}},
			}},
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, m := range sent {
			if err := w.Write(m); err != nil {
				t.Skip(err) // too large
			}
		}
		if len(picture) > 0 {
			announced := Frame{Rendition: uint8(n), Captured: at, Count: count, Encode: time.Duration(n)}
			if err := w.WriteFrame(announced, picture); err != nil {
				t.Fatal(err)
			}
			announced.Size = len(picture)
			sent = append(sent, announced)
		}
		video := VideoFrame{Captured: at, Count: count, PTS: time.Duration(at), DTS: -time.Duration(at), Key: on, Disposable: n%2 == 0, Leading: n%3 == 0}
		if err := w.WriteVideoFrame(video, []byte(s+"fragment")); err != nil {
			t.Fatal(err)
		}
		video.Size = len(s + "fragment")
		r := NewReader(&b)
		for _, want := range sent {
			if got, err := r.Next(); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, %v; want %+v", got, err, want)
			}
		}
		got := make([]byte, len(picture))
		if err := r.ReadPicture(got); err != nil || !bytes.Equal(got, picture) {
			t.Fatalf("picture: %v", err)
		}
		if got, err := r.Next(); err != nil || got != video {
			t.Fatalf("got %+v, %v; want %+v", got, err, video)
		}
		fragment := make([]byte, video.Size)
		if err := r.ReadPicture(fragment); err != nil || string(fragment) != s+"fragment" {
			t.Fatalf("fragment: %q, %v", fragment, err)
		}
		if m, err := r.Next(); err != io.EOF {
			t.Fatalf("at the end: %v, %v", m, err)
		}
	})
}
