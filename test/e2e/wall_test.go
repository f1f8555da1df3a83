package e2e

import (
	"net/http"
	"syscall"
	"testing"
)

// A wall shows sixteen cameras over one connection. One of them is killed, and is live again on the same connection.
func TestWallRecoversFromKilledCaptureProcess(t *testing.T) {
	t.Parallel()
	const cameras = 16
	d := start(t, options{config: smallTestCameras("cam", cameras)})
	ids := make([]string, cameras)
	for i := range ids {
		ids[i] = "cam" + itoa(i)
		d.waitForState(ids[i], "live")
	}
	if code, _, _ := get(t, d.URL+"/api/v1/wall"); code != http.StatusUpgradeRequired {
		t.Errorf("without WebSocket: %d", code)
	}
	if _, answer, err := tryWall(t, d.URL, wallOptions{cameras: ids, header: http.Header{"Origin": {"http://elsewhere.example"}}}); err == nil ||
		answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin: %v", err)
	}
	wall := d.dialWall(t, wallOptions{cameras: ids, view: "full", isPaced: true})
	// until reads pictures until done returns true.
	until := func(done func(camera string, placeholder bool) bool) {
		t.Helper()
		wall.until("enough pictures", func(e wallEvent) bool {
			if e.frame == nil {
				return false
			}
			if problem := checkPicture(e.frame.data).problem; problem != "" {
				t.Fatalf("%s: %s", e.frame.Camera, problem)
			}
			return done(e.frame.Camera, e.frame.isPlaceholder)
		})
	}
	seen := map[string]int{}
	enough := func(camera string, placeholder bool) bool {
		if seen[camera]++; placeholder {
			t.Errorf("%s shows a placeholder", camera)
		}
		for _, id := range ids {
			if seen[id] < 5 {
				return false
			}
		}
		return true
	}
	until(enough)
	if n := d.metric(`camd_viewers{camera="cam3",rendition="main",transport="websocket"}`); n != 1 {
		t.Errorf("%v viewers of one camera, want 1", n)
	}

	var list struct {
		Viewers []struct{ Camera, Transport string }
	}
	d.getJSON("/api/v1/viewers", &list)
	if len(list.Viewers) != cameras || list.Viewers[0].Transport != "websocket" {
		t.Errorf("viewers %+v", list.Viewers)
	}

	d.signalWorker("cam3", syscall.SIGKILL)
	until(func(camera string, placeholder bool) bool { return camera == "cam3" && placeholder })
	until(func(camera string, placeholder bool) bool { return camera == "cam3" && !placeholder })

	if code, took := d.stop(); code != 0 {
		t.Errorf("camd ended with %d after %v", code, took)
	}
}
