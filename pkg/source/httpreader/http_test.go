package httpreader

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/icholy/digest"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
)

func TestHTTPStreamToleratesDeviations(t *testing.T) {
	a := testpeer.GrayJPEG(t, 64)
	for _, c := range []struct{ name, kind, before, after string }{
		{"no length", "multipart/x-mixed-replace; boundary=b", "--b\r\nContent-Type: image/jpeg\r\n\r\n", "\r\n"},
		{"dashes doubled", "multipart/x-mixed-replace; boundary=--b", "----b\r\nContent-Type: image/jpg\r\n\r\n", "\r\n"},
		{"dashes missing", "multipart/x-mixed-replace; boundary=--b", "b\r\nContent-Type: image/jpeg\r\n\r\n", "\r\n"},
		{"quoted", `multipart/x-mixed-replace; boundary="my b:x"`, "--my b:x\r\n\r\n", "\r\n"},
		{"no boundary announced", "multipart/x-mixed-replace;", "--b\n\n", "\n"},
		{"length wrong", "multipart/x-mixed-replace; boundary=b", "--b\r\nContent-Length: 7\r\n\r\n", "\r\n"},
		{"long headers", "multipart/x-mixed-replace; boundary=b", "--b\r\n" + strings.Repeat("X-Y: z\r\n", 12500) + "\r\n", "\r\n"},
		{"garbage", "multipart/x-mixed-replace; boundary=b", "\x00\xff\xd8\xff\xfe\x00\x00\xff", "\xff\x00\xd8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			part := []byte(c.before + string(a) + c.after)
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				sendRepeatedly(w, r, part)
			})
			d := startRead(t, url, Options{ReadTimeout: testrun.Deadline})
			first := d.frame()
			if got, want := <-d.opened, (Info{Width: 64, Height: 48}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for f, n := first, 0; n < 5; f, n = d.frame(), n+1 {
				if !bytes.Equal(f.JPEG, a) || f.Arrived.Before(f.Captured) {
					t.Fatalf("another picture, of %d bytes from %v to %v", len(f.JPEG), f.Captured, f.Arrived)
				}
			}
		})
	}
}

// An answer may be chunked, end with its connection, or be HTTP/1.0.
func TestHTTPStreamAcceptsEveryFraming(t *testing.T) {
	a := testpeer.GrayJPEG(t, 64)
	part := "--b\r\nContent-Type: image/jpeg\r\n\r\n" + string(a) + "\r\n"
	plain := func(s string) string { return s }
	for _, c := range []struct {
		name, head string
		frame      func(string) string
	}{
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", func(s string) string { // in the middle of a picture, too
			half := len(s) / 2
			return fmt.Sprintf("%x\r\n%s\r\n%x;why=so\r\n%s\r\n", half, s[:half], len(s)-half, s[half:])
		}},
		{"not chunked", "HTTP/1.1 200 OK\r\nConnection: close\r\n", plain},
		{"neither length nor close", "HTTP/1.1 200 OK\r\n", plain},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n", plain},
		{"HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, err = io.WriteString(conn, c.head+"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n")
				for err == nil { // until the client leaves
					_, err = io.WriteString(conn, c.frame(part))
				}
			})
			d := startRead(t, url, Options{ReadTimeout: testrun.Deadline})
			for range 5 {
				if f := d.frame(); !bytes.Equal(f.JPEG, a) {
					t.Fatalf("another picture, of %d bytes", len(f.JPEG))
				}
			}
		})
	}
}

func TestLostHTTPStreamReportsReason(t *testing.T) {
	a := testpeer.GrayJPEG(t, 64)
	for _, c := range []struct {
		name   string
		tail   []byte // after a good picture, again and again until the client leaves; nil: silence
		ends   bool
		reason camera.Reason
	}{
		{"ends", nil, true, camera.Disconnected},
		{"silent", nil, false, camera.Timeout},
		{"only damaged", a[:len(a)-9], false, camera.Damaged},
		{"no picture any more", []byte("--b\r\n\r\n"), false, camera.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
				_, _ = w.Write(a)
				w.(http.Flusher).Flush()
				switch {
				case c.ends:
				case c.tail == nil:
					<-r.Context().Done()
				default:
					sendRepeatedly(w, r, c.tail)
				}
			})
			timeout := testrun.Deadline
			if c.reason != camera.Disconnected {
				timeout = time.Second
			}
			d := startRead(t, url, Options{ReadTimeout: timeout})
			d.frame()
			d.expectFailure(c.reason, "")
		})
	}
}

// Pictures that are left out are reported by cause, with the next picture or the end.
func TestHTTPReportsRefusedPicturesByCause(t *testing.T) {
	a := testpeer.GrayJPEG(t, 64)
	torn := a[:len(a)-9]
	for name, kind := range map[string]string{"stream": "multipart/x-mixed-replace; boundary=b", "pictures": "image/jpeg"} {
		t.Run(name, func(t *testing.T) {
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = w.Write(slices.Concat(torn, torn, []byte("\xff\xd8\xff\xe0\x00\x01"), a))
			})
			d := startRead(t, url, Options{FPS: 50})
			d.frame()
			got := d.countDrops()
			if cut, other := got[media.Truncated], got[media.Damaged]; other == 0 || cut != 2*other || len(got) != 2 {
				t.Errorf("got %v", got) // of one or of several answers
			}
		})
	}
	t.Run("nothing else", func(t *testing.T) {
		url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace")
			_, _ = w.Write(slices.Concat(torn, torn))
		})
		d := startRead(t, url, Options{})
		d.expectFailure(camera.Damaged, "the stream contains only damaged pictures")
		if got := d.countDrops(); got[media.Truncated] != 1 {
			t.Errorf("got %v", got)
		}
	})
}

// requireDigest passes on requests that answer a Digest challenge correctly.
func requireDigest(user, password string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ch := &digest.Challenge{Realm: "cam", Nonce: "n0nce", QOP: []string{"auth"}}
		got, err := digest.ParseCredentials(r.Header.Get("Authorization"))
		if err == nil {
			want, err := digest.Digest(ch, digest.Options{Method: r.Method, URI: r.URL.RequestURI(), Count: got.Nc, Cnonce: got.Cnonce,
				Username: user, Password: password})
			if err == nil && got.Response == want.Response {
				next(w, r)
				return
			}
		}
		w.Header().Set("Www-Authenticate", ch.String())
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func TestPollRequestsConditionallyAndOneAtATime(t *testing.T) {
	for _, scheme := range []string{"http+poll", "http"} {
		t.Run(scheme, func(t *testing.T) {
			var asked, unchanged, open atomic.Int64
			url := serveHTTP(t, requireDigest("viewer", secret, func(w http.ResponseWriter, r *http.Request) {
				if open.Add(1) > 1 {
					t.Error("two requests at the same time")
				}
				defer open.Add(-1)
				n := asked.Add(1)
				tag := fmt.Sprintf(`"%d"`, n/2)
				if r.Header.Get("If-None-Match") == tag {
					unchanged.Add(1)
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.Header().Set("Etag", tag)
				w.Header().Set("Content-Type", "image/jpg")
				_, _ = w.Write(testpeer.GrayJPEG(t, 64+int(n)))
			}))
			d := startRead(t, strings.Replace(url, "http:", scheme+":", 1), Options{Source: sourceurl.Source{User: "viewer", Password: secret}, FPS: 50})
			if i := <-d.opened; i.FPS != 50 || i.Width == 0 || i.Height != 48 {
				t.Errorf("got %+v", i)
			}
			width := 0
			for range 5 {
				f := d.frame()
				if f.width <= width {
					t.Errorf("%d wide after %d", f.width, width)
				}
				width = f.width
			}
			if unchanged.Load() == 0 {
				t.Error("no request was conditional")
			}
		})
	}
}

func TestPollFailuresReportReason(t *testing.T) {
	status := func(n int) http.HandlerFunc { return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) } }
	for _, c := range []struct {
		name   string
		serve  http.HandlerFunc
		reason camera.Reason
	}{
		{"401", status(401), camera.Auth},
		{"wrong password", requireDigest("viewer", "right", status(200)), camera.Auth},
		{"404", status(404), camera.NotFound},
		{"503", status(503), camera.BadStream},
		{"html", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>log in")) }, camera.BadStream},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(testpeer.GrayJPEG(t, 64)[:200]) }, camera.BadStream},
		{"silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, camera.Timeout},
		{"never new", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-Modified-Since") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
			_, _ = w.Write(testpeer.GrayJPEG(t, 64))
		}, camera.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := withSecrets(asPoll(serveHTTP(t, c.serve)))
			d := startRead(t, url, Options{ReadTimeout: time.Second, OpenTimeout: time.Second, FPS: 20})
			d.expectFailure(c.reason, "")
		})
	}
}

// A password is sent only to its own server.
func TestRedirectDoesNotLeakThePassword(t *testing.T) {
	var leaked atomic.Bool
	other := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.Header.Get("Referer"), secret) {
			leaked.Store(true)
		}
		w.Header().Set("Www-Authenticate", `Basic realm="give"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	home := serveHTTP(t, requireDigest("viewer", secret, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other+"/stream", http.StatusFound)
	}))
	for _, url := range []string{home, asPoll(home)} {
		startRead(t, withSecrets(url), Options{}).expectFailure(camera.Auth, "")
	}
	if leaked.Load() {
		t.Error("the other server got the secret")
	}
}
