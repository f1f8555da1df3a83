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
	// Controls come first, because they can be refused. They are of a camera that is on before and after.
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

// check returns an error if the camera cannot do what is requested, or cannot do all of it at once.
func (p patchJSON) check(target request.Target) *request.Error {
	_, pausable := target.Camera.(Pausable)
	switch {
	case p.Paused == nil && len(p.Controls) == 0:
		return request.Errorf(http.StatusBadRequest, "nothing to change; want a body such as %s", patchExample)
	case p.Paused != nil && !pausable:
		return request.Errorf(http.StatusNotFound, "this camera cannot be switched off")
	case p.Paused != nil && *p.Paused && len(p.Controls) > 0:
		return request.Errorf(http.StatusBadRequest, "a camera that is being switched off takes no controls; send them before, or after it has been switched on")
	}
	return nil
}

// readPatch reads a request's body.
func readPatch(w http.ResponseWriter, r *http.Request) (patch patchJSON, bad *request.Error) {
	bad = readJSON(w, r, &patch, patchExample)
	return patch, bad
}

// settings returns what the controls are to be set to.
func (p patchJSON) settings() (map[string]camera.Setting, error) {
	settings := map[string]camera.Setting{}
	for name, value := range p.Controls {
		if !isControl(name) {
			return nil, fmt.Errorf("%.40q is no control's name; it has a-z, 0-9 and _", name)
		}
		switch v := value.(type) {
		case bool:
			settings[name] = camera.SwitchSetting(v)
		case string:
			settings[name] = camera.TextSetting(v)
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, fmt.Errorf("%s: want a whole number, got %s", name, v)
			}
			settings[name] = camera.NumberSetting(n)
		default:
			return nil, fmt.Errorf("%s: want a whole number, true, false, or the text of a menu's item", name)
		}
	}
	return settings, nil
}

// isControl reports whether a control can have that name. Error messages do not repeat other names: they may be anything.
func isControl(name string) bool {
	return name != "" && len(name) <= 64 && strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
