package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/audit"
	"camd/pkg/camera"
	"camd/pkg/httpapi/viewers"
)

// startAudited serves cameras, and returns the records of the audit log.
func startAudited(t *testing.T, cameras ...Camera) (*testServer, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	return startServer(t, Options{Audit: audit.New(zap.New(core))}, cameras...), logs
}

// auditRecord waits for the record of an event and returns it. There must be exactly one.
func auditRecord(t *testing.T, logs *observer.ObservedLogs, event audit.Event) map[string]any {
	t.Helper()
	eventually(t, string(event), func() bool { return logs.FilterMessage(string(event)).Len() > 0 })
	all := logs.FilterMessage(string(event)).All()
	if len(all) != 1 {
		t.Errorf("%d lines of %s, want 1", len(all), event)
	}
	return all[0].ContextMap()
}

func checkFields(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %v, want %v, in %v", key, got[key], value, got)
		}
	}
}

func TestAuditLogsStreamStartAndEnd(t *testing.T) {
	cam := newTestCamera("a")
	f := cam.publish(1)
	s, logs := startAudited(t, cam)
	resp, parts := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, parts)
	want := map[string]any{"requester": "anonymous", "via": "anonymous", "address": "127.0.0.1", "camera": "a", "rendition": "main", "transport": "http1"}
	begin := auditRecord(t, logs, audit.ViewBegin)
	checkFields(t, begin, want)
	if agent, _ := begin["agent"].(string); !strings.HasPrefix(agent, "Go-http-client") {
		t.Errorf("agent is %q", agent)
	}
	if logs.FilterMessage(string(audit.ViewEnd)).Len() != 0 {
		t.Error("it has ended")
	}
	_ = resp.Body.Close()
	eventually(t, "the viewer to be missed", func() bool { cam.publish(2); return s.viewers.Count() == 0 })
	end := auditRecord(t, logs, audit.ViewEnd)
	want["reason"] = "left"
	checkFields(t, end, want)
	if frames, bytes := end["frames"].(uint64), end["bytes"].(uint64); frames < 1 || bytes < uint64(len(f.Wire)) || end["since"] == nil || end["seconds"] == nil {
		t.Errorf("got %v", end)
	}
}

// Viewers that camd disconnects at shutdown are logged with that reason.
func TestAuditLogsShutdownAsReason(t *testing.T) {
	cam := newTestCamera("a")
	cam.publish(1)
	s, logs := startAudited(t, cam)
	_, parts := s.watch(t, "/cameras/a/stream.mjpg")
	nextPicture(t, parts)
	s.stop(t)
	checkFields(t, auditRecord(t, logs, audit.ViewEnd), map[string]any{"reason": viewers.CutShutdown, "camera": "a"})
}

// The audit log has the track that a camera of a wall has: JPEGs, or video if the client decodes it.
func TestAuditLogsWallViews(t *testing.T) {
	for name, query := range map[string]string{"main": "", "video": "&decodes=avc1.640033"} {
		t.Run(name, func(t *testing.T) {
			cam := newTestCamera("a")
			cam.status.Format = camera.Format{Codec: "h264", Passthrough: true}
			cam.publish(1)
			cam.publishVideo()
			s, logs := startAudited(t, cam)
			conn, _, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/api/v1/wall?view=full&cameras=a"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			want := map[string]any{"requester": "anonymous", "address": "127.0.0.1", "camera": "a", "rendition": name, "transport": "websocket"}
			checkFields(t, auditRecord(t, logs, audit.ViewBegin), want)
			for {
				kind, _, err := conn.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if kind == websocket.MessageBinary {
					break
				}
			}
			_ = conn.Close(websocket.StatusNormalClosure, "")
			checkFields(t, auditRecord(t, logs, audit.ViewEnd), want)
		})
	}
}

// A client that polls pictures is logged when it begins, and at the end with the number of its pictures. An answer without a picture is not logged.
func TestAuditSumsUpPolledSnapshots(t *testing.T) {
	cam := newTestCamera("a")
	f := cam.publish(1)
	s, logs := startAudited(t, cam)
	const polls = 50
	for range polls {
		_ = body(t, s.get(t, "/cameras/a/snapshot.jpg?max_age=1h"))
	}
	_ = body(t, s.request(t, http.MethodHead, "/cameras/a/snapshot.jpg?max_age=1h"))
	_ = body(t, s.get(t, "/cameras/a/snapshot.jpg?rendition=none"))
	if n := logs.FilterMessage(string(audit.ViewSnapshot)).Len(); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
	s.stop(t)
	frames, bytes := uint64(0), uint64(0)
	for _, line := range logs.FilterMessage(string(audit.ViewSnapshot)).All() {
		got := line.ContextMap()
		checkFields(t, got, map[string]any{"requester": "anonymous", "address": "127.0.0.1", "camera": "a", "rendition": "main", "transport": "http1"})
		frames += got["frames"].(uint64)
		bytes += got["bytes"].(uint64)
	}
	if frames != polls || bytes != polls*uint64(len(f.Data)) {
		t.Errorf("%d snapshots of %d bytes, want %d of %d", frames, bytes, polls, polls*len(f.Data))
	}
}

// A change of a control is logged with the values before and after. A refused change is not.
func TestAuditLogsControlChanges(t *testing.T) {
	c := newAdjustableCamera()
	c.status.Controls = []camera.Control{{Name: "brightness", Kind: camera.Integer, Value: 99, HasValue: true}}
	s, logs := startAudited(t, c)
	patch := func(text string) { s.patch(t, "/api/v1/cameras/a", "application/json", strings.NewReader(text)) }
	patch(`{"controls": {"brightness": 7}}`)
	got := auditRecord(t, logs, audit.Adjusted)
	checkFields(t, got, map[string]any{"requester": "anonymous", "address": "127.0.0.1", "camera": "a"})
	if text, err := json.Marshal(got["changes"]); err != nil || string(text) != `{"brightness":{"from":99,"to":7}}` {
		t.Errorf("changes are %s, %v", text, err)
	}
	c.err = camera.ControlErrorf(camera.BadSetting, "no")
	patch(`{"controls": {"brightness": 8}}`)
	auditRecord(t, logs, audit.Adjusted)
}

// A camera that is turned off by MQTT is logged with that cause, and without a name.
func TestAuditLogsPausesByMQTT(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	_, s := startPausable(t, Options{Audit: audit.New(zap.New(core))})
	for range 2 {
		if err := s.SetPaused(t.Context(), "mqtt", "a", true); err != nil {
			t.Fatal(err)
		}
	}
	got := auditRecord(t, logs, audit.Switched)
	checkFields(t, got, map[string]any{"via": "mqtt", "camera": "a", "from": "on", "to": "off", "requester": nil, "address": nil})
}
