package config

import (
	"slices"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/source/options"
)

// renditions returns the renditions by their names. There is always a preview.
func renditions(s *schema, v *value) []camera.Rendition {
	preview := camera.Rendition{Name: "preview"}
	decode(s.Properties.get(preview.Name), v.get(preview.Name), &preview)
	all := []camera.Rendition{preview}
	if v == nil {
		return all
	}
	for _, one := range v.order {
		if name := one.key.Value; name != preview.Name && !one.bad {
			r := camera.Rendition{Name: name}
			decode(one.schema, one, &r)
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b camera.Rendition) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// checkRenditions reports renditions that are the same as the camera's own pictures, and too many.
func (d *decoder) checkRenditions(v *value, count int) {
	if v == nil {
		return
	}
	for _, one := range v.order {
		if one.key.Value != "preview" && !one.bad && one.fields != nil && len(one.fields) == 0 {
			d.errorf(one.node, "renditions: %q is the same as %s; give it a width, such as 640, or fewer fps", one.key.Value, camera.Main)
		}
	}
	if count > options.MaxRenditions {
		d.errorf(v.node, "renditions: must be at most %d with %q, are %d; remove some", options.MaxRenditions, "preview", count)
	}
}

// controls returns the settings of a device's image controls. Which controls and values exist is known only once the device is open.
func controls(v *value) map[string]camera.Setting {
	if v == nil || v.bad {
		return nil
	}
	all := map[string]camera.Setting{}
	for _, one := range v.order {
		switch data := one.data.(type) {
		case int64:
			all[one.key.Value] = camera.NumberSetting(data)
		case bool:
			all[one.key.Value] = camera.SwitchSetting(data)
		case string:
			all[one.key.Value] = camera.TextSetting(data)
		}
	}
	return all
}
