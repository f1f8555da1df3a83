package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/pkg/audit"
	"camd/pkg/camera"
)

// pausableCamera is a camera with controls that can be paused.
type pausableCamera struct {
	*adjustableCamera
	pauses   []bool
	pauseErr error
}

func (p *pausableCamera) SetPaused(_ context.Context, paused bool) (bool, error) {
	if p.pauseErr != nil {
		return false, p.pauseErr
	}
	p.pauses = append(p.pauses, paused)
	was := p.Status().State == camera.Paused
	if paused {
		p.testCamera.set(camera.Paused)
	} else if was {
		p.testCamera.set(camera.Starting)
	}
	return was != paused, nil
}

// startPausable serves a pausable camera a beside one that cannot be paused.
func startPausable(t *testing.T, o Options) (*pausableCamera, *testServer) {
	t.Helper()
	c := &pausableCamera{adjustableCamera: newAdjustableCamera()}
	return c, startServer(t, o, c, newTestCamera("plain"))
}

func (s *testServer) patchCamera(t *testing.T, id, body string) (*http.Response, string) {
	t.Helper()
	return s.patch(t, "/api/v1/cameras/"+id, "application/json", strings.NewReader(body))
}

func TestPatchPausesAndResumes(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	kept := map[string]bool{}
	c, s := startPausable(t, Options{Audit: audit.New(zap.New(core)), SavePaused: func(id string, off bool) error { kept[id] = off; return nil }})
	for _, x := range []struct {
		body, state string
		paused      bool
		to          string // as in the audit log; empty if nothing was changed
	}{
		{`{"paused": true}`, "paused", true, "off"},
		{`{"paused": true}`, "paused", true, ""},
		{`{"paused": false}`, "starting", false, "on"},
		{`{"paused": false}`, "starting", false, ""},
		{`{"paused": false, "controls": {"brightness": 1}}`, "starting", false, ""},
	} {
		resp, got := s.patchCamera(t, "a", x.body)
		var j struct {
			State  string
			Paused *bool
		}
		if err := json.Unmarshal([]byte(got), &j); err != nil || resp.StatusCode != 200 || j.State != x.state || j.Paused == nil || *j.Paused != x.paused {
			t.Errorf("%s: %s %s", x.body, resp.Status, got)
		}
		if w := resp.Header.Get("X-Camd-Warning"); w != "" {
			t.Errorf("%s: warning %q", x.body, w)
		}
		if off, there := kept["a"]; !there || off != x.paused {
			t.Errorf("%s: kept %v", x.body, kept)
		}
		delete(kept, "a")
		logged := logs.FilterMessage("camera.switched").TakeAll()
		logs.TakeAll()
		switch {
		case x.to == "" && len(logged) > 0:
			t.Errorf("%s: logged %v", x.body, logged)
		case x.to != "" && (len(logged) != 1 || logged[0].ContextMap()["to"] != x.to || logged[0].ContextMap()["camera"] != "a" ||
			logged[0].ContextMap()["address"] != "127.0.0.1"):
			t.Errorf("%s: logged %v", x.body, logged)
		}
	}
	if want := map[string]camera.Setting{"brightness": camera.NumberSetting(1)}; !reflect.DeepEqual(c.set, want) {
		t.Errorf("set %v", c.set)
	}
}

// A request that is refused in part changes nothing.
func TestRefusedPauseChangesNothing(t *testing.T) {
	c, s := startPausable(t, Options{SavePaused: func(string, bool) error { t.Error("the pause was saved"); return nil }})
	refused := func(id, body string, code int, says string) {
		t.Helper()
		if resp, got := s.patchCamera(t, id, body); resp.StatusCode != code || !strings.Contains(got, says) {
			t.Errorf("%s %s: %s %s, want %d %s", id, body, resp.Status, got, code, says)
		}
	}
	refused("a", `{"paused": true, "controls": {"brightness": 1}}`, 400, "controls cannot be set")
	refused("a", `{"paused": false, "controls": {"brightness": 1.5}}`, 400, "must be a whole number")
	refused("a", `{"paused": "yes"}`, 400, "the body is not valid")
	refused("a", `{"paused": null}`, 400, "changes nothing")
	refused("plain", `{"paused": true}`, 404, "cannot be turned off")
	if c.set != nil {
		t.Errorf("set %v", c.set)
	}
	c.err = camera.ControlErrorf(camera.CameraPaused, "the camera is turned off")
	refused("a", `{"paused": false, "controls": {"brightness": 1}}`, 409, "the camera is turned off")
	c.pauseErr = context.Canceled
	refused("a", `{"paused": true}`, 503, "interrupted")
	if c.pauses != nil || c.Status().State != camera.Live {
		t.Errorf("turned %v", c.pauses)
	}
}

// If a pause cannot be saved, it still takes effect. The requester and the log are informed.
func TestUnsavedPauseWarns(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	c, s := startPausable(t, Options{Log: zap.New(core), SavePaused: func(string, bool) error { return errors.New("the disk\nis full") }})
	c.placeholder()
	resp, got := s.patchCamera(t, "a", `{"paused": true}`)
	if resp.StatusCode != 200 || c.Status().State != camera.Paused || resp.Header.Get("X-Camd-Warning") != "this lasts only until camd restarts: the disk is full" {
		t.Errorf("%s %v %s", resp.Status, resp.Header, got)
	}
	if logs.FilterMessage("pause not saved").FilterLevelExact(zap.WarnLevel).Len() != 1 {
		t.Errorf("%v", logs.All())
	}
	if resp := s.get(t, "/cameras/a/snapshot.jpg"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a snapshot: %s", resp.Status)
	}
	if resp := s.get(t, "/readyz"); resp.StatusCode != 200 {
		t.Errorf("not ready: %s", resp.Status)
	}
}
