package readers

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/handover"
	"camd/pkg/source/options"
	"camd/pkg/source/wire"
)

func testJPEG(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 320, 240))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 3)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cutInScan cuts a picture in the middle of its data, and adds an end marker.
func cutInScan(b []byte) []byte {
	return append(bytes.TrimRight(bytes.Clone(b[:len(b)/2]), "\xff"), 0xFF, 0xD9)
}

// serveStream serves pictures, 100 a second.
func serveStream(t *testing.T, pictures ...[]byte) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; r.Context().Err() == nil; i++ {
			p := pictures[i%len(pictures)]
			fmt.Fprintf(w, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(p), p)
			w.(http.Flusher).Flush()
			<-tick.C
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// runSession starts a session, which ends with the test.
func runSession(t *testing.T, start wire.Start) (*wire.Writer, *wire.Reader) {
	t.Helper()
	commands, messages := pipe(t), pipe(t)
	var running sync.WaitGroup
	running.Go(func() {
		newSession(handover.Camera{ID: "cam", Commands: commands.r, Messages: messages.w}, nil).run(t.Context())
	})
	t.Cleanup(func() {
		commands.w.Close()
		messages.r.Close()
		running.Wait()
	})
	if err := messages.r.SetReadDeadline(time.Now().Add(testrun.Deadline)); err != nil {
		t.Fatal(err)
	}
	w := wire.NewWriter(commands.w)
	for _, m := range []wire.Message{wire.Hello{Version: wire.Version}, start} {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	return w, wire.NewReader(messages.r)
}

// next returns the next message. It reads the picture of a frame.
func next(t *testing.T, r *wire.Reader) (wire.Message, []byte) {
	t.Helper()
	m, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	f, ok := m.(wire.Frame)
	if !ok {
		return m, nil
	}
	b := make([]byte, f.Size)
	if err := r.ReadPicture(b); err != nil {
		t.Fatal(err)
	}
	return m, b
}

// Without demand, most pictures only count in heartbeats. With demand, all of them are sent.
func TestHTTPSessionSendsPicturesOnDemand(t *testing.T) {
	picture := testJPEG(t)
	commands, messages := runSession(t, wire.Start{Source: serveStream(t, picture)})
	sent, count := uint64(0), uint64(0)
	for beats := 0; beats < 3; {
		switch m, b := next(t, messages); m := m.(type) {
		case wire.Opened:
			if want := (wire.Opened{Backend: "HTTP", Codec: "mjpeg", Width: 320, Height: 240, Passthrough: true}); m != want {
				t.Errorf("got %+v, want %+v", m, want)
			}
		case wire.Frame:
			if sent++; !bytes.Equal(b, picture) {
				t.Errorf("another picture, of %d bytes", len(b))
			}
		case wire.Heartbeat:
			beats++
			count = m.Count
		}
	}
	if sent == 0 || sent > count/4 {
		t.Errorf("%d of %d pictures were sent without demand", sent, count)
	}
	if err := commands.Write(wire.Demand{Wanted: true}); err != nil {
		t.Fatal(err)
	}
	var counts []uint64
	for len(counts) < 30 {
		if m, _ := next(t, messages); m != nil {
			if f, ok := m.(wire.Frame); ok {
				counts = append(counts, f.Count)
			}
		}
	}
	for i, n := range counts[20:] { // the demand is in force
		if n != counts[20]+uint64(i) {
			t.Fatalf("pictures %d were sent, want all", counts)
		}
	}
}

func TestHTTPSessionRefusesDamagedPictures(t *testing.T) {
	commands, messages := runSession(t, wire.Start{Source: serveStream(t, cutInScan(testJPEG(t)))})
	if err := commands.Write(wire.Demand{Wanted: true}); err != nil {
		t.Fatal(err)
	}
	var causes []string
	for beats := 0; beats < 2 || len(causes) < 2; {
		switch m, _ := next(t, messages); m := m.(type) {
		case wire.Frame:
			t.Fatalf("a picture of %d bytes is sent", m.Size)
		case wire.Heartbeat:
			beats++
		case wire.Refused:
			if m.Pictures[media.Damaged] > 0 && (m.Cause != media.Damaged || m.Detail == "") {
				t.Errorf("got %+v", m)
			}
			for cause := range m.Pictures {
				if !slices.Contains(causes, cause) {
					causes = append(causes, cause)
				}
			}
		}
	}
	if slices.Sort(causes); !slices.Equal(causes, []string{media.Damaged, media.Unchecked}) {
		t.Errorf("causes %v", causes)
	}
}

func TestHTTPSessionReportsWhyItEnds(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "video/mp2t") }))
	t.Cleanup(s.Close)
	large := append([]byte("\xff\xd8"), bytes.Repeat(append([]byte("\xff\xfe\xff\xff"), make([]byte, 65533)...), 5)...)
	large = append(large, testJPEG(t)[2:]...)
	for _, c := range []struct {
		name, source string
		want         wire.Ended
		refused      string
	}{
		{"another format", s.URL, wire.Ended{Reason: string(camera.BadStream), Detail: "the server sends neither MJPEG nor a JPEG: set reader to opencv", Unsupported: true}, ""},
		{"too large", serveStream(t, large), wire.Ended{Reason: string(camera.TooLarge), Detail: "pictures of 0.4 MB exceed limits.frame_bytes (256 KiB)"}, media.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, messages := runSession(t, wire.Start{Source: c.source, Capture: options.Capture{Limits: media.Limits{Bytes: 256 << 10}}})
			refused := wire.Refused{}
			for {
				m, _ := next(t, messages)
				if r, ok := m.(wire.Refused); ok {
					refused = r
				}
				if e, ok := m.(wire.Ended); ok {
					if e != c.want {
						t.Errorf("got %+v, want %+v", e, c.want)
					}
					break
				}
			}
			if c.refused != "" && (refused.Pictures[c.refused] == 0 || refused.Size != int64(len(large))) {
				t.Errorf("refused %+v, want pictures of %d bytes", refused, len(large))
			}
		})
	}
}
