package httpreader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

func TestFailuresReportReasonWithoutSecrets(t *testing.T) {
	answer := func(status int, contentType, body string) func(*testing.T) string {
		return func(t *testing.T) string {
			return serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})
		}
	}
	for _, c := range []struct {
		name        string
		url         func(*testing.T) string
		reason      camera.Reason
		detail      string
		unsupported bool
	}{
		{"login page", answer(200, "text/html; charset=utf-8", "<html>log in"), camera.BadStream, "the server sent text/html, not video", true},
		{"transport stream", answer(200, "video/mp2t", "G"), camera.BadStream, "the server sends neither MJPEG nor a JPEG", true},
		{"playlist", answer(200, "application/vnd.apple.mpegurl", "#EXTM3U"), camera.BadStream, "the server sends neither MJPEG nor a JPEG", true},
		{"recording", answer(200, "video/mp4", "ftyp"), camera.BadStream, "the server sends neither MJPEG nor a JPEG", true},
		{"no content type", answer(200, "", ""), camera.BadStream, "neither MJPEG nor a JPEG", true},
		{"secret in the content type", answer(200, "video/"+secret, ""), camera.BadStream, "neither MJPEG nor a JPEG", true},
		{"no picture in the stream", answer(200, "multipart/x-mixed-replace", "--b\r\n\r\n"), camera.BadStream, "the source opened, but delivered no picture", false},
		{"401", answer(401, "text/plain", ""), camera.Auth, "login failed (401): check user and password", false},
		{"403", answer(403, "text/plain", ""), camera.Auth, "login failed (403)", false},
		{"404", answer(404, "text/plain", ""), camera.NotFound, "the server answered 404: check the path in source", false},
		{"500", answer(500, "text/plain", ""), camera.BadStream, "the server answered 500 Internal Server Error", false},
		{"refused", refusingServer, camera.Unreachable, "refused the connection", false},
		{"silent", silentServer, camera.Timeout, "no answer", false},
		{"packets dropped", fullServer, camera.Timeout, "no answer", false},
		{"another protocol", otherProtocol, camera.Unreachable, "no valid answer from", false},
		{"answer without a picture", func(t *testing.T) string {
			return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "multipart/x-mixed-replace")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
		}, camera.Timeout, "the server answered, but sent no picture in time", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startRead(t, withSecrets(c.url(t)), Options{OpenTimeout: time.Second, ReadTimeout: time.Second})
			e := d.failure() // checks for the secret
			if want := (Error{c.reason, c.detail, c.unsupported}); e.Reason != want.Reason || e.Unsupported != want.Unsupported || !strings.Contains(e.Detail, c.detail) {
				t.Errorf("got %+v, want %+v", *e, want)
			}
		})
	}
	for name, url := range map[string]func(*testing.T) string{"refused": refusingServer, "packets dropped": fullServer, "silent": silentServer} {
		t.Run("poll "+name, func(t *testing.T) {
			e := startRead(t, withSecrets(asPoll(url(t))), Options{OpenTimeout: time.Second}).failure()
			if e.Reason != camera.Timeout && e.Reason != camera.Unreachable || e.Unsupported {
				t.Errorf("got %+v", *e)
			}
		})
	}
}

// refusingServer returns an address that refuses connections.
func refusingServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/cam"
}

// silentServer returns the address of a server that accepts connections and sends nothing.
func silentServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts for it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String() + "/cam"
}

// otherProtocol returns the address of a server that does not speak HTTP.
func otherProtocol(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serverEnded := make(chan struct{})
	go func() {
		defer close(serverEnded)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-camera\r\n"))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-serverEnded })
	return "http://" + l.Addr().String() + "/cam"
}

// fullServer returns the address of a socket whose queue is full: the kernel drops requests for connections.
func fullServer(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return "http://" + address + "/cam"
		}
		t.Cleanup(func() { c.Close() })
	}
}

func TestNetworkFaultsAreSurvivedOrReported(t *testing.T) {
	for _, c := range []struct {
		kind, attributes string
		reason           camera.Reason // None: pictures continue
	}{
		{"latency", `"latency": 200, "jitter": 50`, camera.None},
		{"slicer", `"average_size": 700, "size_variation": 300, "delay": 100`, camera.None},
		{"bandwidth", `"rate": 200`, camera.None},
		{"reset_peer", `"timeout": 0`, camera.Disconnected},
		{"timeout", `"timeout": 0`, camera.Timeout},
	} {
		t.Run(c.kind, func(t *testing.T) {
			p := testpeer.ServeFaultProxy(t, testpeer.ServeHTTP(t, testpeer.MJPEG))
			timeout := testrun.Deadline
			if c.reason == camera.Timeout {
				timeout = 3 * time.Second
			}
			d := startRead(t, p.URL, Options{ReadTimeout: timeout})
			d.frame()
			p.AddFault(c.kind, c.attributes)
			if c.reason != camera.None {
				d.expectFailure(c.reason, "")
				return
			}
			for range 40 {
				d.frame()
			}
		})
	}
}

// Read returns the context's error, whatever it is doing.
func TestReadEndsWithItsContext(t *testing.T) {
	stream := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace")
		_, _ = w.Write(part(testpeer.GrayJPEG(t, 64)))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	picture := serveHTTP(t, sendPicture(t))
	for _, c := range []struct {
		name, url string
		frames    int
	}{{"connecting", silentServer(t), 0}, {"stream", stream, 1}, {"polling", asPoll(picture), 1}} {
		t.Run(c.name, func(t *testing.T) {
			d := startRead(t, c.url, Options{FPS: 0.01})
			for range c.frames {
				d.frame()
			}
			d.stop()
			if err := <-d.ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		})
	}
}
