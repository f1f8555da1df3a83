package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// patchJSON is the body of a PATCH request: what to change about a camera.
type patchJSON struct {
	Paused   *bool          `json:"paused"` // nil changes nothing
	Controls map[string]any `json:"controls"`
}

const patchExample = `{"controls": {"brightness": 128}} or {"paused": true}`

// patchCamera makes all requested changes or none. It answers with the camera as it is afterwards.
func (s *Server) patchCamera(w http.ResponseWriter, r *http.Request, target request.Target) {
	patch, bad := readPatch(w, r)
	if bad == nil {
		bad = patch.check(target)
	}
	if bad != nil {
		bad.Fail(w, r)
		return
	}
	settings, err := patch.settings()
	if err != nil {
		request.Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	// Controls come first, because the device can refuse them. check has made sure that the camera is not turned off by this request.
	var list []camera.Control
	if len(settings) > 0 {
		before := target.Camera.Status().Controls
		if list, err = applyControls(r.Context(), target.Camera, settings); err == nil {
			s.logControlChanges(r, target.ID, settings, before, list)
		}
	}
	if err == nil && patch.Paused != nil {
		err = s.pauseCamera(w, r, target, *patch.Paused)
	}
	if err != nil {
		failControls(w, r, err)
		return
	}
	status := target.Camera.Status()
	j := newCameraJSON(status, s.viewers.CountPerCamera()[target.ID], request.RequesterOf(r).Grant)
	if j.Controls = controlsJSON(list); list == nil {
		j.Controls = controlsJSON(status.Controls)
	}
	request.WriteJSON(w, http.StatusOK, j)
}

// check returns an error if the camera does not support the change, or the parts of the change exclude each other.
func (p patchJSON) check(target request.Target) *request.Error {
	_, pausable := target.Camera.(Pausable)
	switch {
	case p.Paused == nil && len(p.Controls) == 0:
		return request.Errorf(http.StatusBadRequest, "the body changes nothing: send a body such as %s", patchExample)
	case p.Paused != nil && !pausable:
		return request.Errorf(http.StatusNotFound, "this camera cannot be turned off here: turn a camera of another site off at its own site")
	case p.Paused != nil && *p.Paused && len(p.Controls) > 0:
		return request.Errorf(http.StatusBadRequest, "controls cannot be set in the request that turns the camera off: set them in a request before that")
	}
	return nil
}

// readPatch reads a request's body.
func readPatch(w http.ResponseWriter, r *http.Request) (patch patchJSON, bad *request.Error) {
	bad = readJSON(w, r, &patch, patchExample)
	return patch, bad
}

// settings returns the new values of the controls.
func (p patchJSON) settings() (map[string]camera.Setting, error) {
	settings := map[string]camera.Setting{}
	for name, value := range p.Controls {
		if !isControl(name) {
			return nil, fmt.Errorf("%.40q is not the name of a control: names have only a-z, 0-9 and _", name)
		}
		switch v := value.(type) {
		case bool:
			settings[name] = camera.SwitchSetting(v)
		case string:
			settings[name] = camera.TextSetting(v)
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, fmt.Errorf("%s: must be a whole number, is %s", name, v)
			}
			settings[name] = camera.NumberSetting(n)
		default:
			return nil, fmt.Errorf("%s: must be a whole number, true, false, or the text of a menu item", name)
		}
	}
	return settings, nil
}

// isControl reports whether a control can have that name. Other names are shortened and quoted in error messages.
func isControl(name string) bool {
	return name != "" && len(name) <= 64 && strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
