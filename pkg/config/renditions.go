package config

import (
	"slices"
	"strings"

	"camd/pkg/camera"
	"camd/pkg/source/options"

	"go.yaml.in/yaml/v3"
)

// defaultPreview is the rendition for many cameras on one screen. Every camera has it, unless its entry says otherwise.
var defaultPreview = camera.Rendition{Name: "preview", Width: 640, FPS: 5, Quality: 60}

func renditionFields() []field[camera.Rendition] {
	return []field[camera.Rendition]{
		{"width", integer(func(r *camera.Rendition) *int { return &r.Width }, 16, 8192)},
		{"fps", frameRate(func(r *camera.Rendition) *float64 { return &r.FPS })},
		{"quality", integer(func(r *camera.Rendition) *int { return &r.Quality }, 1, 100)},
	}
}

// readRenditions reads the renditions by name. What one leaves out is as in main, or for preview as in defaultPreview.
func readRenditions(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	d.eachNamed(key, n, `names and what they are, such as "small: {width: 320, fps: 2}"`, func(name *yaml.Node) bool {
		switch {
		case name.Value == camera.Main:
			d.errorf(name, "%s: %q is what the pictures as they come are called; choose another name", key, camera.Main)
		case !IsCameraID(name.Value):
			d.errorf(name, `%s: want a name of 1 to 63 of a-z, 0-9 and "-", not "-" first; got %s`, key, quoteValue(name))
		default:
			return true
		}
		return false
	}, func(name string, value *yaml.Node) { to.Renditions = d.addRendition(name, value, to.Renditions) })
	if len(to.Renditions) > options.MaxRenditions {
		d.errorf(n, "%s: more than %d, with %q", key, options.MaxRenditions, defaultPreview.Name)
	}
	slices.SortStableFunc(to.Renditions, func(a, b camera.Rendition) int { return strings.Compare(a.Name, b.Name) })
}

// addRendition reads one rendition and adds it to the others. It replaces one of the same name.
func (d *decoder) addRendition(name string, n *yaml.Node, renditions []camera.Rendition) []camera.Rendition {
	r := camera.Rendition{Name: name, Quality: 80}
	at := slices.IndexFunc(renditions, func(o camera.Rendition) bool { return o.Name == name })
	if at >= 0 {
		r = renditions[at]
	}
	decode(d, "renditions", n, renditionFields(), &r)
	if at < 0 && len(n.Content) == 0 && (n.Kind == yaml.MappingNode || isNull(n)) {
		d.errorf(n, "renditions: %q is no different from %s; give it a width, such as 640, or fewer fps", name, camera.Main)
	}
	renditions = slices.Clone(renditions)
	if at >= 0 {
		renditions[at] = r
		return renditions
	}
	return append(renditions, r)
}
