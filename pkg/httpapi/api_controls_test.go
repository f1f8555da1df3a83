package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"camd/pkg/camera"
)

// adjustableCamera is a camera whose controls the test decides.
type adjustableCamera struct {
	*testCamera
	list []camera.Control
	err  error
	set  map[string]camera.Setting // the last
}

func (a *adjustableCamera) Controls(context.Context) ([]camera.Control, error) { return a.list, a.err }

func (a *adjustableCamera) SetControls(_ context.Context, settings map[string]camera.Setting) ([]camera.Control, error) {
	a.set = settings
	return a.list, a.err
}

func newAdjustableCamera() *adjustableCamera {
	return &adjustableCamera{testCamera: newTestCamera("a"), list: []camera.Control{
		{Name: "brightness", Title: "Brightness", Kind: camera.Integer, Max: 255, Step: 1, Default: 128, Value: 7, HasValue: true},
		{Name: "flip", Title: "Flip", Kind: camera.Boolean, Max: 1, Value: 1, HasValue: true, Inactive: true, Volatile: true},
		{Name: "power_line_frequency", Title: "Power", Kind: camera.Menu, Menu: map[int64]string{10: "Auto", 2: "60 Hz"}, Value: 2, HasValue: true, ReadOnly: true},
		{Name: "press", Title: "Press", Kind: camera.Button},
	}}
}

const wantControls = `[
    {
      "name": "brightness",
      "title": "Brightness",
      "kind": "integer",
      "min": 0,
      "max": 255,
      "step": 1,
      "default": 128,
      "value": 7,
      "read_only": false,
      "inactive": false,
      "volatile": false
    },
    {
      "name": "flip",
      "title": "Flip",
      "kind": "boolean",
      "default": false,
      "value": true,
      "read_only": false,
      "inactive": true,
      "volatile": true
    },
    {
      "name": "power_line_frequency",
      "title": "Power",
      "kind": "menu",
      "menu": [
        {
          "value": 2,
          "text": "60 Hz"
        },
        {
          "value": 10,
          "text": "Auto"
        }
      ],
      "default": 0,
      "value": 2,
      "read_only": true,
      "inactive": false,
      "volatile": false
    },
    {
      "name": "press",
      "title": "Press",
      "kind": "button",
      "value": null,
      "read_only": false,
      "inactive": false,
      "volatile": false
    }
  ]
}
`

// serve starts a server with the camera beside one without controls.
func (a *adjustableCamera) serve(t *testing.T) *testServer {
	t.Helper()
	return startServer(t, Options{}, a, newTestCamera("plain"))
}

// patch sends a body and returns the answer with its text.
func (s *testServer) patch(t *testing.T, path, kind string, content io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPatch, s.url+path, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp, body(t, resp)
}

func TestControlsAreListed(t *testing.T) {
	c := newAdjustableCamera()
	s := c.serve(t)
	if got := body(t, s.get(t, "/api/v1/cameras/a/controls")); got != "{\n  \"controls\": "+wantControls {
		t.Errorf("got %s", got)
	}
	const key = `"controls"`
	if got := body(t, s.get(t, "/api/v1/cameras/a")); strings.Contains(got, key) {
		t.Errorf("a camera that is not open has controls: %s", got)
	}
	c.mu.Lock()
	c.status.Controls = c.list
	c.mu.Unlock()
	if got := body(t, s.get(t, "/api/v1/cameras/a")); !strings.HasSuffix(got, "\n  \"controls\": "+wantControls) {
		t.Errorf("got %s", got)
	}
	if got := body(t, s.get(t, "/api/v1/cameras")); strings.Contains(got, key) {
		t.Errorf("the list of cameras has controls: %s", got)
	}
	c.list = nil
	if got := body(t, s.get(t, "/api/v1/cameras/a/controls")); got != "{\n  \"controls\": []\n}\n" {
		t.Errorf("got %s for a device without any", got)
	}
}

func TestPatchSetsControls(t *testing.T) {
	c := newAdjustableCamera()
	s := c.serve(t)
	resp, got := s.patch(t, "/api/v1/cameras/a", "application/json; charset=utf-8",
		strings.NewReader(`{"controls": {"brightness": -9223372036854775808, "flip": true, "power_line_frequency": "60 Hz"}}`))
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, "{\n  \"id\": \"a\",") || !strings.HasSuffix(got, "\n  \"controls\": "+wantControls) {
		t.Errorf("%s: %s", resp.Status, got)
	}
	want := map[string]camera.Setting{
		"brightness": camera.NumberSetting(-1 << 63), "flip": camera.SwitchSetting(true), "power_line_frequency": camera.TextSetting("60 Hz"),
	}
	if !reflect.DeepEqual(c.set, want) {
		t.Errorf("set %v, want %v", c.set, want)
	}
}

func TestPatchRefusesInvalidControls(t *testing.T) {
	c := newAdjustableCamera()
	s := c.serve(t)
	const good = `{"controls": {"brightness": 1}}`
	for _, x := range []struct {
		path, kind, body string
		code             int
		says             string
	}{
		{"a", "text/plain", good, 415, "the Content-Type must be application/json"},
		{"a", "application/x-www-form-urlencoded", good, 415, "application/json"},
		{"a", "", good, 415, "application/json"},
		{"a", "application/json", good + strings.Repeat(" ", maxJSON), 413, "the limit of 4096 bytes"},
		{"a", "application/json", "", 400, `the body is not valid: EOF; send a body such as {"controls": {"brightness": 128}} or {"paused": true}`},
		{"a", "application/json", good + good, 400, "there is more text after"},
		{"a", "application/json", good + "x", 400, "there is more text after"},
		{"a", "application/json", `{"control": {}}`, 400, `unknown field "control"`},
		{"a", "application/json", `[]`, 400, "cannot unmarshal array"},
		{"a", "application/json", `{}`, 400, "changes nothing"},
		{"a", "application/json", `null`, 400, "changes nothing"},
		{"a", "application/json", `{"controls": {"brightness": 1.5}}`, 400, "brightness: must be a whole number, is 1.5"},
		{"a", "application/json", `{"controls": {"brightness": 1e400}}`, 400, "brightness: must be a whole number, is 1e400"},
		{"a", "application/json", `{"controls": {"brightness": null}}`, 400, "brightness: must be a whole number, true, false, or the text"},
		{"a", "application/json", `{"controls": {"brightness": [1]}}`, 400, "brightness: must be a whole number"},
		{"none", "application/json", good, 404, `no camera \"none\": the cameras are a, plain`},
		{"plain", "application/json", good, 404, "this camera has no controls"},
	} {
		resp, got := s.patch(t, "/api/v1/cameras/"+x.path, x.kind, strings.NewReader(x.body))
		var e struct{ Error string }
		if err := json.Unmarshal([]byte(got), &e); resp.StatusCode != x.code || err != nil || !strings.Contains(e.Error, strings.ReplaceAll(x.says, `\"`, `"`)) {
			t.Errorf("%s %q: got %s %s, want %d %s", x.kind, x.body, resp.Status, got, x.code, x.says)
		}
	}
	if c.set != nil {
		t.Errorf("set %v", c.set)
	}
	for err, code := range map[error]int{
		camera.ControlErrorf(camera.NoControls, "why"):      404,
		camera.ControlErrorf(camera.NotOpen, "why"):         503,
		camera.ControlErrorf(camera.CameraPaused, "why"):    409,
		camera.ControlErrorf(camera.BadSetting, "why"):      400,
		camera.ControlErrorf(camera.SettingRefused, "why"):  409,
		camera.ControlErrorf(camera.ControlsTimeout, "why"): 504,
		errors.New("why"): 503,
	} {
		c.err = err
		resp, got := s.patch(t, "/api/v1/cameras/a", "application/json", strings.NewReader(good))
		if resp.StatusCode != code || !strings.Contains(got, "why") {
			t.Errorf("%v: got %s %s, want %d", err, resp.Status, got, code)
		}
		if resp := s.get(t, "/api/v1/cameras/a/controls"); resp.StatusCode != code {
			t.Errorf("%v: got %s for the list, want %d", err, resp.Status, code)
		}
	}
}

func TestAllowHeaderListsMethods(t *testing.T) {
	s := newAdjustableCamera().serve(t)
	for path, want := range map[string]string{"/api/v1/cameras/a": "GET, HEAD, PATCH", "/api/v1/cameras": "GET, HEAD", "/metrics": "GET, HEAD"} {
		if resp := s.request(t, http.MethodDelete, path); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != want {
			t.Errorf("%s: %s, Allow %q, want %q", path, resp.Status, resp.Header.Get("Allow"), want)
		}
	}
}
