package config

import (
	"slices"
	"strings"

	"camd/pkg/camera"

	"go.yaml.in/yaml/v3"
)

// preview is a rendition that every camera has, unless its entry says otherwise: for many cameras on one screen.
var preview = camera.Rendition{Name: "preview", Width: 640, FPS: 5, Quality: 60}

// mostRenditions is as many as a capture process can be asked for (wire.MaxRenditions).
const mostRenditions = 16

func renditionFields() []field[camera.Rendition] {
	return []field[camera.Rendition]{
		{"width", whole(func(r *camera.Rendition) *int { return &r.Width }, 16, 8192)},
		{"fps", rate(func(r *camera.Rendition) *float64 { return &r.FPS })},
		{"quality", whole(func(r *camera.Rendition) *int { return &r.Quality }, 1, 100)},
	}
}

// readRenditions reads names and what belongs to them. What a rendition does not say is as in main, but for those of preview.
func readRenditions(d *decoder, key string, n *yaml.Node, to *entry) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.bad(n, `%s: want names and what they are, such as "small: {width: 320, fps: 2}", got %s`, key, describe(n))
		return
	}
	d.named(key, n, func(name *yaml.Node) bool {
		switch {
		case name.Value == camera.Main:
			d.bad(name, "%s: %q is what the pictures as they come are called; choose another name", key, camera.Main)
		case !isID(name.Value):
			d.bad(name, `%s: want a name of 1 to 63 of a-z, 0-9 and "-", not "-" first; got %s`, key, show(name))
		default:
			return true
		}
		return false
	}, func(name string, value *yaml.Node) { to.Renditions = d.rendition(name, value, to.Renditions) })
	if len(to.Renditions) > mostRenditions {
		d.bad(n, "%s: more than %d, with %q", key, mostRenditions, preview.Name)
	}
	slices.SortStableFunc(to.Renditions, func(a, b camera.Rendition) int { return strings.Compare(a.Name, b.Name) })
}

// rendition reads one and puts it into the others, in the place of one of its name.
func (d *decoder) rendition(name string, n *yaml.Node, others []camera.Rendition) []camera.Rendition {
	r := camera.Rendition{Name: name, Quality: 80}
	at := slices.IndexFunc(others, func(o camera.Rendition) bool { return o.Name == name })
	if at >= 0 {
		r = others[at]
	}
	decode(d, "renditions", n, renditionFields(), &r)
	if at < 0 && len(n.Content) == 0 && (n.Kind == yaml.MappingNode || isNull(n)) {
		d.bad(n, "renditions: %q is no different from %s; give it a width, such as 640, or fewer fps", name, camera.Main)
	}
	others = slices.Clone(others)
	if at >= 0 {
		others[at] = r
		return others
	}
	return append(others, r)
}
