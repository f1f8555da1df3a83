package e2e

import (
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// viewerInfo is a viewer as /api/v1 shows it.
type viewerInfo struct {
	ID, Camera, Rendition, Transport, Address string
	UserAgent                                 string `json:"user_agent"`
	Since                                     *time.Time
	Sent, Dropped, Bytes                      uint64
	DroppedFor                                map[string]uint64 `json:"dropped_for"`
	FPS                                       *float64
	FrameAge                                  *float64 `json:"frame_age"`
	Throttled                                 bool
}

func (d *daemon) viewers(query string) []viewerInfo {
	d.t.Helper()
	var list struct{ Viewers []viewerInfo }
	d.getJSON("/api/v1/viewers"+query, &list)
	return list.Viewers
}

// The viewers API lists a throttled viewer, one of another camera, and a slow one, each with its counts.
func TestViewersAPICountsEachViewer(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: "cameras:\n  - {id: small, source: 'test://?size=320x180&fps=20'}\n" +
		"  - {id: large, source: 'test://?size=1920x1080&fps=20', quality: 100}\n"})
	d.waitForState("small", "live")
	d.waitForState("large", "live")
	if list := d.viewers(""); len(list) != 0 {
		t.Fatalf("viewers before the first one: %+v", list)
	}
	begin := time.Now().Truncate(time.Millisecond)
	waitForViewers := func(n int) {
		t.Helper()
		eventually(t, "the viewer to be listed", func() bool { return len(d.viewers("")) == n })
	}
	whole := watch(t, d.URL+"/cameras/small/stream.mjpg")
	go whole.drain()
	waitForViewers(1)
	fewer := watch(t, d.URL+"/cameras/small/stream.mjpg?fps=5")
	go fewer.drain()
	waitForViewers(2)
	slow := readSlowly(t, d.URL, "/cameras/large/stream.mjpg", "slow/1.0")
	waitForViewers(3)

	var list []viewerInfo
	eventually(t, "their rates and drops", func() bool {
		list = d.viewers("")
		// A busy machine captures fewer pictures than configured, and the viewer gets those.
		return len(list) == 3 && list[0].DroppedFor["late"] > 20 && list[1].hasFPS(d.camera("small").FPS) &&
			list[2].FPS != nil && *list[2].FPS < 6 && list[2].DroppedFor["fps_limit"] > 20 &&
			list[2].DroppedFor["fps_limit"] <= 4*(list[2].Sent+1) // three for each that is sent, but many after a pause of the machine
	})
	for i, want := range []struct {
		camera, agent string
		throttled     bool
	}{{"large", "slow/1.0", false}, {"small", "Go-http-client/1.1", false}, {"small", "Go-http-client/1.1", true}} {
		v := list[i]
		if v.Camera != want.camera || v.UserAgent != want.agent || v.Throttled != want.throttled || v.Rendition != "main" || v.Transport != "http1" {
			t.Errorf("viewer %d: %+v, want %+v", i, v, want)
		}
		host, _, err := net.SplitHostPort(v.Address)
		if err != nil || host != "127.0.0.1" || v.ID == "" || v.Since == nil || v.Since.Before(begin) || v.Bytes == 0 {
			t.Errorf("viewer %d: %+v", i, v)
		}
	}
	if list[0].Address != slow.LocalAddr().String() {
		t.Errorf("the slow viewer has the address %s, want %s", list[0].Address, slow.LocalAddr())
	}
	if v := list[1]; v.FrameAge == nil || *v.FrameAge <= 0 || *v.FrameAge > testTimeout.Seconds() {
		t.Errorf("frame age of %+v", v)
	}
	if v := list[2]; v.Dropped < v.DroppedFor["fps_limit"] {
		t.Errorf("the viewer that asked for 5 of 20 fps: %+v", v)
	}

	kept := list[2].ID
	whole.close()
	eventually(t, "the viewer to be removed", func() bool {
		of := d.viewers("?camera=small")
		return len(of) == 1 && of[0].ID == kept
	})
	if code, _, body := get(t, d.URL+"/api/v1/viewers?camera=none"); code != http.StatusNotFound || !strings.Contains(string(body), `no camera \"none\"`) {
		t.Errorf("unknown camera: %d %s", code, body)
	}
	if code, _, body := get(t, d.URL+"/metrics"); code != http.StatusOK || strings.Contains(string(body), "127.0.0.1") {
		t.Errorf("an address in the metrics: %d", code)
	}
}

// hasFPS reports whether a viewer gets about fps frames a second.
func (v viewerInfo) hasFPS(fps float64) bool { return v.FPS != nil && math.Abs(*v.FPS-fps) <= fps/5 }

// readSlowly requests a stream and reads 1.3 MB a second of it until the test ends.
func readSlowly(t *testing.T, url, path, agent string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "+agent+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(100 * time.Millisecond)
		defer pace.Stop()
		for range pace.C {
			if _, err := io.CopyN(io.Discard, conn, 128<<10); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn
}
