package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// fetchViewers requests the viewers.
func (s *testServer) fetchViewers(t *testing.T, query string) []viewerJSON {
	t.Helper()
	var list struct{ Viewers []viewerJSON }
	if err := json.Unmarshal([]byte(body(t, s.get(t, "/api/v1/viewers"+query))), &list); err != nil {
		t.Fatal(err)
	}
	return list.Viewers
}

// waitForFrames waits until the only viewer has been sent or has skipped that many frames.
func (s *testServer) waitForFrames(t *testing.T, frames uint64) viewerJSON {
	t.Helper()
	var v viewerJSON
	eventually(t, fmt.Sprintf("the viewer is %d frames on", frames), func() bool {
		list := s.fetchViewers(t, "")
		if len(list) != 1 {
			return false
		}
		v = list[0]
		return v.Sent+v.Dropped == frames
	})
	return v
}

func TestViewersAreListed(t *testing.T) {
	a, b := newTestCamera("a"), newTestCamera("b")
	a.publish(1)
	b.publish(1)
	s := startServer(t, Options{}, b, a)
	if got := body(t, s.get(t, "/api/v1/viewers")); got != "{\n  \"viewers\": []\n}\n" {
		t.Errorf("nobody watches: %s", got)
	}
	begin := time.Now().Truncate(time.Millisecond)
	var conns []net.Conn
	for i, id := range []string{"b", "a", "b"} {
		conns = append(conns, dialStream(t, s, "/cameras/"+id+"/stream.mjpg"))
		eventually(t, "it is there", func() bool { return len(s.fetchViewers(t, "")) == i+1 })
	}
	s.get(t, "/cameras/a/snapshot.jpg") // a client that requests single pictures is not a viewer

	var list []viewerJSON
	eventually(t, "each has its frame", func() bool {
		list = s.fetchViewers(t, "")
		return len(list) == 3 && list[0].Sent+list[1].Sent+list[2].Sent == 3
	})
	ids := map[string]bool{}
	for i, want := range []struct {
		camera string
		conn   net.Conn
	}{{"a", conns[1]}, {"b", conns[0]}, {"b", conns[2]}} {
		v := list[i]
		ids[v.ID] = true
		if v.Camera != want.camera || v.Address != want.conn.LocalAddr().String() || v.Rendition != camera.Main || v.Transport != "http1" {
			t.Errorf("viewer %d: %+v, want camera %s and address %s", i, v, want.camera, want.conn.LocalAddr())
		}
		if v.Since == nil || v.Since.Before(begin) || v.Since.After(time.Now()) {
			t.Errorf("viewer %d: since %v, want after %v", i, v.Since, begin)
		}
		if v.Sent != 1 || v.Dropped != 0 || v.Bytes == 0 || v.FrameAge == nil || *v.FrameAge <= 0 || v.Throttled || v.UserAgent != "" {
			t.Errorf("viewer %d: %+v", i, v)
		}
	}
	if len(ids) != 3 || ids[""] {
		t.Errorf("ids %v, want three", ids)
	}
	if of := s.fetchViewers(t, "?camera=b"); len(of) != 2 || of[0].ID != list[1].ID || of[1].ID != list[2].ID {
		t.Errorf("of camera b: %+v, want the last two of %+v", of, list)
	}
	_ = conns[0].Close()
	eventually(t, "it is gone", func() bool {
		b.publish(2)
		of := s.fetchViewers(t, "?camera=b")
		return len(of) == 1 && of[0].ID == list[2].ID
	})
}

func TestViewersRefuseUnknownCameras(t *testing.T) {
	s := startServer(t, Options{}, newTestCamera("front-door"))
	resp := s.get(t, "/api/v1/viewers?camera=nope")
	if text := body(t, resp); resp.StatusCode != http.StatusNotFound || !strings.Contains(text, `"error": "no camera \"nope\": the cameras are front-door"`) {
		t.Errorf("unknown camera: %s %s", resp.Status, text)
	}
	if resp := s.request(t, http.MethodDelete, "/api/v1/viewers"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %s", resp.Status)
	}
	if resp := s.get(t, "/api/v1/viewers"); resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("may be kept: %q", resp.Header.Get("Cache-Control"))
	}
}

// Dropped frames are reported by reason.
func TestViewersReportDropReasons(t *testing.T) {
	a := newTestCamera("a")
	s := startServer(t, Options{}, a)
	_, stream := s.watch(t, "/cameras/a/stream.mjpg?fps=5")
	eventually(t, "it watches", func() bool { return len(s.fetchViewers(t, "")) == 1 })
	captured := time.Now().Add(-time.Minute)
	var v viewerJSON
	for i := range uint64(20) { // 20 a second
		a.topic.Publish(newFrame(picture(uint8(i)), captured.Add(time.Duration(i)*50*time.Millisecond)))
		v = s.waitForFrames(t, i+1)
	}
	if !v.Throttled || v.Sent != 5 || v.Dropped != 15 || v.DroppedFor[viewers.DropRate] != 15 || len(v.DroppedFor) != 1 {
		t.Errorf("%+v, want 5 frames sent and 15 dropped for their rate", v)
	}
	if v.FrameAge == nil || *v.FrameAge < 58 || v.UserAgent != "Go-http-client/1.1" {
		t.Errorf("%+v, want a frame a minute old", v)
	}
	a.placeholder()
	if v = s.waitForFrames(t, 21); v.FrameAge != nil {
		t.Errorf("a placeholder has age %v", *v.FrameAge)
	}
	nextPicture(t, stream)
}

// Viewers on connections that a goroutine serves are listed too. This connection is HTTP/2 over IPv6.
func TestViewersOnHTTP2AreListed(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on this machine: ", err)
	}
	a := newTestCamera("a")
	a.publish(1)
	s := startServer(t, Options{}, a)
	web := httptest.NewUnstartedServer(s)
	_ = web.Listener.Close()
	web.Listener, web.EnableHTTP2 = l, true
	web.StartTLS()
	defer web.Close()
	resp, err := web.Client().Get(web.URL + "/cameras/a/stream.mjpg?fps=1000")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	v := s.waitForFrames(t, 1)
	if host, port, err := net.SplitHostPort(v.Address); err != nil || host != "::1" || port == "" || !strings.HasPrefix(v.Address, "[::1]:") {
		t.Errorf("address %q, want [::1]:port", v.Address)
	}
	if v.Transport != "http2" || v.Camera != "a" || v.Bytes == 0 || v.FrameAge == nil || !v.Throttled {
		t.Errorf("%+v", v)
	}
	_ = resp.Body.Close()
	eventually(t, "it is gone", func() bool { return len(s.fetchViewers(t, "")) == 0 })
}

func TestUserAgentIsBoundedText(t *testing.T) {
	a := newTestCamera("a")
	a.publish(1)
	s := startServer(t, Options{}, a)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /cameras/a/stream.mjpg HTTP/1.1\r\nHost: localhost\r\nUser-Agent: <b>\xff</b>\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if v := s.waitForFrames(t, 1); v.UserAgent != "<b>\uFFFD</b>" {
		t.Errorf("user agent %q", v.UserAgent)
	}
}
