package httpapi

import (
	"strings"
	"testing"

	"camd/pkg/camera"
)

// A camera's state and the reason for it are told as one of a fixed set each, and every other is there at 0.
func TestStateAndReasonMetricsAreOneHot(t *testing.T) {
	cam := offlineCamera()
	cam.status.Worker.LimitBytes = 1 << 30
	s := startServer(t, Options{Config: Config{Limits: Limits{Viewers: 7}}}, cam)
	text := body(t, s.get(t, "/metrics"))
	for _, want := range []string{
		`camd_camera_state{camera="yard",state="offline"} 1`,
		`camd_camera_reason{camera="yard",reason="auth"} 1`,
		`camd_camera_reason{camera="yard",reason="frozen"} 0`,
		`camd_capture_memory_limit_bytes{camera="yard"} 1.073741824e+09`,
		`camd_viewers_limit 7`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for name, want := range map[string]int{"camd_camera_state{": len(camera.States), "camd_camera_reason{": len(camera.Reasons)} {
		if n := strings.Count(text, "\n"+name); n != want {
			t.Errorf("%d series of %s, want %d", n, name, want)
		}
	}
	cam.mu.Lock()
	cam.status.State, cam.status.Reason = camera.Live, camera.None
	cam.mu.Unlock()
	text = body(t, s.get(t, "/metrics"))
	if !strings.Contains(text, `camd_camera_reason{camera="yard",reason="auth"} 0`+"\n") {
		t.Error("a live camera has a reason")
	}
}
