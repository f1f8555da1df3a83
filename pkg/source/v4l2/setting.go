package v4l2

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"camd/pkg/camera"
)

// resolve returns the value of a setting for this control, or an error that says which values are allowed. It does not check
// Step: the driver uses the nearest value.
func (c *control) resolve(s camera.Setting) (int64, error) {
	if c.ReadOnly {
		return 0, camera.ControlErrorf(camera.BadSetting, "%s is read-only", c.Name)
	}
	number := s.Kind == camera.KindNumber
	switch c.Kind {
	case camera.Boolean:
		if s.Kind == camera.KindSwitch || number && (s.Number == 0 || s.Number == 1) {
			return s.Number, nil
		}
	case camera.Button:
		if s.Kind != camera.KindText && s.Number == 1 {
			return 1, nil
		}
	case camera.Menu, camera.IntegerMenu:
		if _, exists := c.Menu[s.Number]; exists && number {
			return s.Number, nil
		}
		for value, item := range c.Menu {
			if s.Kind == camera.KindText && strings.EqualFold(item, s.Text) {
				return value, nil
			}
		}
	default:
		if number && c.Min <= s.Number && s.Number <= c.Max {
			return s.Number, nil
		}
	}
	return 0, camera.ControlErrorf(camera.BadSetting, "%s must be %s, is %v", c.Name, c.allowedText(), s)
}

// allowedText returns a text with the values that the control can be set to.
func (c *control) allowedText() string {
	switch c.Kind {
	case camera.Boolean:
		return "true or false"
	case camera.Button:
		return "true (to press the button)"
	case camera.Menu, camera.IntegerMenu:
		var items []string
		for _, value := range slices.Sorted(maps.Keys(c.Menu)) {
			items = append(items, fmt.Sprintf("%q (%d)", c.Menu[value], value))
		}
		return "one of " + strings.Join(items, ", ")
	}
	return fmt.Sprintf("a whole number from %d to %d", c.Min, c.Max)
}

// unknownControlError returns the error for a control that does not exist. It lists those that do.
func unknownControlError(name string, all []control) error {
	if len(all) == 0 {
		return camera.ControlErrorf(camera.BadSetting, "unknown control %q: this device has no controls", name)
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	slices.Sort(names)
	return camera.ControlErrorf(camera.BadSetting, "unknown control %q: this device has %s", name, strings.Join(names, ", "))
}
