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

// switchable is a camera with controls that can be switched off.
type switchable struct {
	*adjustable
	turns []bool
	fails error
}

func (c *switchable) Pause(_ context.Context, paused bool) (bool, error) {
	if c.fails != nil {
		return false, c.fails
	}
	c.turns = append(c.turns, paused)
	was := c.Status().State == camera.Paused
	if paused {
		c.testCamera.set(camera.Paused)
	} else if was {
		c.testCamera.set(camera.Starting)
	}
	return was != paused, nil
}

// paused serves a switchable camera a beside one that is none.
func paused(t *testing.T, o Options) (*switchable, *site) {
	t.Helper()
	c := &switchable{adjustable: newAdjustable()}
	return c, open(t, o, c, newTestCamera("plain"))
}

func (s *site) change(t *testing.T, id, body string) (*http.Response, string) {
	t.Helper()
	return s.patch(t, "/api/v1/cameras/"+id, "application/json", strings.NewReader(body))
}

func TestPauseAndResume(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	kept := map[string]bool{}
	c, s := paused(t, Options{Audit: audit.New(zap.New(core)), Remember: func(id string, off bool) error { kept[id] = off; return nil }})
	for _, x := range []struct {
		body, state string
		paused      bool
		to          string // as the audit log has it; empty if nothing was switched
	}{
		{`{"paused": true}`, "paused", true, "off"},
		{`{"paused": true}`, "paused", true, ""},
		{`{"paused": false}`, "starting", false, "on"},
		{`{"paused": false}`, "starting", false, ""},
		{`{"paused": false, "controls": {"brightness": 1}}`, "starting", false, ""},
	} {
		resp, got := s.change(t, "a", x.body)
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
		said := logs.FilterMessage("camera.switched").TakeAll()
		logs.TakeAll()
		switch {
		case x.to == "" && len(said) > 0:
			t.Errorf("%s: logged %v", x.body, said)
		case x.to != "" && (len(said) != 1 || said[0].ContextMap()["to"] != x.to || said[0].ContextMap()["camera"] != "a" ||
			said[0].ContextMap()["address"] != "127.0.0.1"):
			t.Errorf("%s: logged %v", x.body, said)
		}
	}
	if want := map[string]camera.Setting{"brightness": camera.Number(1)}; !reflect.DeepEqual(c.set, want) {
		t.Errorf("set %v", c.set)
	}
}

// All or nothing: what is refused in part changes nothing.
func TestPauseRefused(t *testing.T) {
	c, s := paused(t, Options{Remember: func(string, bool) error { t.Error("remembered"); return nil }})
	refused := func(id, body string, code int, says string) {
		t.Helper()
		if resp, got := s.change(t, id, body); resp.StatusCode != code || !strings.Contains(got, says) {
			t.Errorf("%s %s: %s %s, want %d %s", id, body, resp.Status, got, code, says)
		}
	}
	refused("a", `{"paused": true, "controls": {"brightness": 1}}`, 400, "takes no controls")
	refused("a", `{"paused": false, "controls": {"brightness": 1.5}}`, 400, "want a whole number")
	refused("a", `{"paused": "yes"}`, 400, "the body is not such as")
	refused("a", `{"paused": null}`, 400, "nothing to change")
	refused("plain", `{"paused": true}`, 404, "cannot be switched off")
	if c.set != nil {
		t.Errorf("set %v", c.set)
	}
	c.err = camera.ControlErrorf(camera.SwitchedOff, "the camera is switched off")
	refused("a", `{"paused": false, "controls": {"brightness": 1}}`, 409, "the camera is switched off")
	c.fails = context.Canceled
	refused("a", `{"paused": true}`, 503, "not done")
	if c.turns != nil || c.Status().State != camera.Live {
		t.Errorf("turned %v", c.turns)
	}
}

// A switch that cannot be kept is a switch all the same, and both who asked and the log hear of it.
func TestPauseThatIsForgotten(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	c, s := paused(t, Options{Log: zap.New(core), Remember: func(string, bool) error { return errors.New("the disk\nis full") }})
	c.placeholder()
	resp, got := s.change(t, "a", `{"paused": true}`)
	if resp.StatusCode != 200 || c.Status().State != camera.Paused || resp.Header.Get("X-Camd-Warning") != "done, until camd restarts: the disk is full" {
		t.Errorf("%s %v %s", resp.Status, resp.Header, got)
	}
	if logs.FilterMessage("switch not kept").FilterLevelExact(zap.WarnLevel).Len() != 1 {
		t.Errorf("%v", logs.All())
	}
	if resp := s.get(t, "/cameras/a/snapshot.jpg"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a snapshot: %s", resp.Status)
	}
	if resp := s.get(t, "/readyz"); resp.StatusCode != 200 {
		t.Errorf("not ready: %s", resp.Status)
	}
}
