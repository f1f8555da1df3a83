package v4l2

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"syscall"

	"camd/pkg/camera"
)

// SetControls opens a device, sets controls by name, and returns all controls with their new values. settings may be empty. The
// device may be captured from at the same time. SetControls checks all settings before it sets one. If the device refuses one,
// the controls that were set before get their old values back. Its error is a *camera.ControlError.
func SetControls(path string, settings map[string]camera.Setting) ([]camera.Control, error) {
	n, err := openControls(path)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return setControls(n, settings)
}

// RestoreControls opens a device and sets as many of the controls as it can. It returns an error for each of the others, by name.
// The errors are of type *camera.ControlError.
func RestoreControls(path string, settings map[string]camera.Setting) map[string]error {
	n, err := openControls(path)
	if err != nil {
		return allRefused(settings, err)
	}
	defer n.Close()
	return restoreControls(n, settings)
}

func allRefused(settings map[string]camera.Setting, err error) map[string]error {
	refused := map[string]error{}
	for name := range settings {
		refused[name] = err
	}
	return refused
}

// openControls opens a device. It does not check that the device is a camera, because opening it for capture does.
func openControls(path string) (Node, error) {
	n, err := OpenNode(path)
	if err != nil {
		return n, camera.ControlErrorf(camera.SettingRefused, "cannot open the device: %v", err) // its path is for the role admin
	}
	return n, nil
}

func setControls(t controlDriver, settings map[string]camera.Setting) ([]camera.Control, error) {
	all, err := listControls(t)
	if err != nil {
		return nil, err
	}
	changes, bad := planChanges(all, settings)
	if len(bad) > 0 {
		var texts []string
		for _, name := range slices.Sorted(maps.Keys(bad)) {
			texts = append(texts, bad[name].Error())
		}
		return nil, camera.ControlErrorf(camera.BadSetting, "%s", strings.Join(texts, "; "))
	}
	for i, c := range changes {
		if err := c.writeValue(t, c.target); err != nil {
			for _, done := range slices.Backward(changes[:i]) {
				if done.HasValue {
					_ = done.writeValue(t, done.Value) // it has had this value before
				}
			}
			return nil, c.refusedError(t, err)
		}
	}
	if len(changes) > 0 { // setting one control can change others
		if all, err = listControls(t); err != nil {
			return nil, err
		}
	}
	plain := make([]camera.Control, len(all))
	for i, c := range all {
		plain[i] = c.Control
	}
	return plain, nil
}

func restoreControls(t controlDriver, settings map[string]camera.Setting) map[string]error {
	all, err := listControls(t)
	if err != nil {
		return allRefused(settings, err)
	}
	changes, refused := planChanges(all, settings)
	for _, c := range changes {
		if err := c.writeValue(t, c.target); err != nil {
			refused[c.Name] = c.refusedError(t, err)
		}
	}
	return refused
}

// change is a control with the value to set.
type change struct {
	control
	target int64
}

// planChanges returns the changes for the settings, in an order that works, and an error for each setting that is wrong, by name.
func planChanges(all []control, settings map[string]camera.Setting) ([]change, map[string]error) {
	var changes []change
	bad := map[string]error{}
	for name, s := range settings {
		i := slices.IndexFunc(all, func(c control) bool { return c.Name == name })
		if i < 0 {
			bad[name] = unknownControlError(name, all)
			continue
		}
		if to, err := all[i].resolve(s); err != nil {
			bad[name] = err
		} else {
			changes = append(changes, change{all[i], to})
		}
	}
	// Switches come first: a device refuses an exposure time while automatic exposure is on.
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(a.id, b.id))
	})
	return changes, bad
}

func (c *change) order() int {
	switch c.Kind {
	case camera.Boolean, camera.Menu, camera.IntegerMenu:
		return 0
	case camera.Integer:
		return 1
	}
	return 2 // buttons last: they act on the other values
}

// refusedError returns the error for a value that the device refused with err.
func (c *change) refusedError(t controlDriver, err error) error {
	why := ""
	switch q, e := t.query(c.id - 1); {
	case errors.Is(err, syscall.EBUSY):
		why = ": it does so while it captures, or while another program uses it"
	case e == nil && q.ID == c.id && q.Flags&flagInactive != 0:
		why = ": the control is inactive while another one, such as an automatic mode, is on"
	}
	return camera.ControlErrorf(camera.SettingRefused, "%s: the device refuses %d (%v)%s", c.Name, c.target, err, why)
}
