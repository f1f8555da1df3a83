package config

import (
	"strconv"
	"strings"

	"camd/pkg/camera"

	"go.yaml.in/yaml/v3"
)

// Limits of controls: the kernel's for the length of a name, and a number that no camera reaches.
const (
	maxControlName = 31
	maxControls    = 100
)

// readControls reads the settings of a device's image controls. Which controls and values exist is known only once the device is open.
func readControls(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	if n.Kind == yaml.MappingNode {
		if len(n.Content)/2 > maxControls {
			d.errorf(n, "%s: more than %d", key, maxControls)
			return
		}
		to.Controls = map[string]camera.Setting{}
	}
	d.eachNamed(key, n, `names and values, such as "brightness: 128"`, func(name *yaml.Node) bool {
		if !isControl(name.Value) {
			d.errorf(name, `%s: want a name as "v4l2-ctl --list-ctrls" has it%s; got %s`, key, suggestion(camera.ControlName(name.Value)), quoteValue(name))
			return false
		}
		return true
	}, func(name string, value *yaml.Node) {
		if s, ok := d.setting(name, value); ok {
			to.Controls[name] = s
		}
	})
}

// suggestion returns a hint with a name that is valid; empty if there is none.
func suggestion(name string) string {
	if !isControl(name) {
		return ""
	}
	return ", such as " + strconv.Quote(name)
}

func isControl(s string) bool {
	return s != "" && len(s) <= maxControlName && s == camera.ControlName(s)
}

// setting reads a control's value. A quoted value is a text, unless it contains a variable.
func (d *decoder) setting(key string, n *yaml.Node) (camera.Setting, bool) {
	const want = "a whole number, true, false, or the text of a menu's item"
	s, ok := d.text(key, n, want)
	if !ok {
		return camera.Setting{}, false
	}
	tag := n.Tag
	if s != n.Value { // as if it had stood there
		tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag()
	}
	switch tag {
	case "!!int":
		if i, err := strconv.ParseInt(s, 0, 64); err == nil {
			return camera.NumberSetting(i), true
		}
	case "!!bool":
		return camera.SwitchSetting(strings.EqualFold(s, "true")), true
	case "!!str":
		if s != "" && len(s) <= 2*maxControlName && !hasControl(s) {
			return camera.TextSetting(s), true
		}
	}
	d.errorf(n, "%s: want %s, got %s", key, want, quoteValue(n))
	return camera.Setting{}, false
}
