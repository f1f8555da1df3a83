package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
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
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	address := strings.Replace(d.URL, "http", "ws", 1) + "/api/v1/wall?rendition=main&cameras=" + strings.Join(ids, ",")
	if _, answer, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://elsewhere.example"}}}); err == nil ||
		answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin: %v", err)
	}
	conn, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	// until reads and acknowledges pictures until done returns true.
	until := func(done func(camera string, placeholder bool) bool) {
		t.Helper()
		for {
			kind, b, err := conn.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if kind != websocket.MessageBinary {
				continue
			}
			camera := string(b[28 : 28+binary.BigEndian.Uint16(b[24:])])
			if jpeg := b[binary.BigEndian.Uint16(b[2:]):]; checkPicture(jpeg).problem != "" {
				t.Fatalf("%s: %s", camera, checkPicture(jpeg).problem)
			}
			ack, _ := json.Marshal(map[string]any{"type": "ack", "camera": camera, "seq": binary.BigEndian.Uint64(b[4:])})
			if err := conn.Write(ctx, websocket.MessageText, ack); err != nil {
				t.Fatal(err)
			}
			if done(camera, b[1]&1 != 0) {
				return
			}
		}
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
