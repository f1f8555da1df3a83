package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
)

// Adjustable is a Camera with image controls. Both methods are safe for concurrent use. They return ctx's error or a *camera.ControlError.
type Adjustable interface {
	Controls(ctx context.Context) ([]camera.Control, error)
	// SetControls sets all of the settings or none. It returns the controls as they are afterwards.
	SetControls(ctx context.Context, settings map[string]camera.Setting) ([]camera.Control, error)
}

// controlJSON is a control as the API shows it. The values of a boolean are true and false.
type controlJSON struct {
	Name     string         `json:"name"`
	Title    string         `json:"title"`
	Kind     string         `json:"kind"`
	Min      *int64         `json:"min,omitempty"` // of integers, like Max and Step
	Max      *int64         `json:"max,omitempty"`
	Step     *int64         `json:"step,omitempty"`
	Menu     []menuItemJSON `json:"menu,omitempty"`
	Default  any            `json:"default,omitempty"`
	Value    any            `json:"value"` // null if it cannot be read
	ReadOnly bool           `json:"read_only"`
	Inactive bool           `json:"inactive"`
	Volatile bool           `json:"volatile"`
}

type menuItemJSON struct {
	Value int64  `json:"value"`
	Text  string `json:"text"`
}

func controlsJSON(list []camera.Control) []controlJSON {
	all := make([]controlJSON, len(list))
	for i, c := range list {
		j := controlJSON{
			Name: c.Name, Title: c.Title, Kind: c.Kind, ReadOnly: c.ReadOnly, Inactive: c.Inactive, Volatile: c.Volatile,
		}
		switch c.Kind {
		case camera.Integer:
			j.Min, j.Max, j.Step = &c.Min, &c.Max, &c.Step
		case camera.Menu, camera.IntegerMenu:
			for _, value := range slices.Sorted(maps.Keys(c.Menu)) {
				j.Menu = append(j.Menu, menuItemJSON{value, c.Menu[value]})
			}
		}
		if c.Kind != camera.Button {
			j.Default = controlValue(c.Kind, c.Default)
		}
		if c.HasValue {
			j.Value = controlValue(c.Kind, c.Value)
		}
		all[i] = j
	}
	return all
}

func controlValue(kind string, value int64) any {
	if kind == camera.Boolean {
		return value != 0
	}
	return value
}

func (s *Server) listControls(w http.ResponseWriter, r *http.Request, target request.Target) {
	list, err := applyControls(r.Context(), target.Camera, nil)
	if err != nil {
		failControls(w, r, err)
		return
	}
	request.WriteJSON(w, http.StatusOK, map[string]any{"controls": controlsJSON(list)})
}

// applyControls sets the controls and returns them as they are afterwards.
func applyControls(ctx context.Context, c request.Camera, settings map[string]camera.Setting) ([]camera.Control, error) {
	adjustable, ok := c.(Adjustable)
	switch {
	case !ok:
		return nil, camera.ControlErrorf(camera.NoControls, "this camera has no controls")
	case len(settings) == 0:
		return adjustable.Controls(ctx)
	}
	return adjustable.SetControls(ctx, settings)
}

// failControls answers with the error of reading or setting controls.
func failControls(w http.ResponseWriter, r *http.Request, err error) {
	var e *camera.ControlError
	if !errors.As(err, &e) {
		request.Fail(w, r, http.StatusServiceUnavailable, "the request was interrupted: "+err.Error()) // camd stops, or the client has left
		return
	}
	switch e.Kind {
	case camera.NoControls:
		request.Fail(w, r, http.StatusNotFound, e.Detail)
	case camera.BadSetting:
		request.Fail(w, r, http.StatusBadRequest, e.Detail)
	case camera.NotOpen:
		request.Fail(w, r, http.StatusServiceUnavailable, e.Detail)
	case camera.ControlsTimeout:
		request.Fail(w, r, http.StatusGatewayTimeout, e.Detail)
	default:
		request.Fail(w, r, http.StatusConflict, e.Detail)
	}
}
