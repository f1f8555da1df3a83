package httpreader

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/source/tlsverify"
)

// chunks returns a text in chunks of a size (RFC 9112, section 7.1).
func chunks(b []byte, size int) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		n := min(size, len(b))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", n, b[:n])
		b = b[n:]
	}
	return out.Bytes()
}

// The server sends a picture only after the reader has got the one before. So the test hangs if the reader waits for bytes that are not part
// of the picture.
func TestPictureIsDeliveredBeforeTheServerSendsMore(t *testing.T) {
	picture := padJPEG(testpeer.GrayJPEG(t, 64), 200_000)
	header := fmt.Sprintf("--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(picture))
	plain := func(b []byte) []byte { return b }
	for _, c := range []struct {
		name, head string
		frame      func([]byte) []byte
		encrypted  bool
	}{
		{"not chunked", "", plain, false},
		{"TLS", "", plain, true},
		{"a chunk for each picture", "Transfer-Encoding: chunked\r\n", func(b []byte) []byte { return chunks(b, len(b)) }, false},
		{"small chunks", "Transfer-Encoding: chunked\r\n", func(b []byte) []byte { return chunks(b, 1500) }, false},
		{"large chunks", "Transfer-Encoding: chunked\r\n", func(b []byte) []byte { return chunks(b, 5000) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			more := make(chan struct{})
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+c.head+"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n")
				for range more {
					if err == nil {
						_, err = conn.Write(c.frame([]byte(header + string(picture))))
					}
				}
			})
			o := Options{ReadTimeout: testrun.Deadline, OpenTimeout: testrun.Deadline}
			if c.encrypted {
				certificate := testpeer.Certificate{}.Make(t)
				url = "https://" + testpeer.ServeTLS(t, strings.TrimPrefix(url, "http://"), certificate).Address
				o.TLS = tlsverify.Options{CAFile: certificate.File}
			}
			d := startRead(t, url, o)
			t.Cleanup(func() { close(more) })
			for range 8 {
				more <- struct{}{}
				if f := d.frame(); !bytes.Equal(f.JPEG, picture) {
					t.Fatalf("another picture, of %d bytes", len(f.JPEG))
				}
			}
		})
	}
}

// Wrong lengths neither delay pictures by more than one, nor end the stream.
func TestStreamWithVaryingLengthsContinues(t *testing.T) {
	picture := padJPEG(testpeer.GrayJPEG(t, 64), 200_000)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		var parts []byte
		for _, length := range []int{len(picture), len(picture), 5 * len(picture), len(picture) - 7, 1 << 40} {
			parts = fmt.Appendf(parts, "--b\r\nContent-Length: %d\r\n\r\n%s\r\n", length, picture)
		}
		sendRepeatedly(w, r, parts)
	})
	d := startRead(t, url, Options{ReadTimeout: testrun.Deadline})
	for range 50 {
		if f := d.frame(); !bytes.Equal(f.JPEG, picture) {
			t.Fatalf("another picture, of %d bytes", len(f.JPEG))
		}
	}
}
