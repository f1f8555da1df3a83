package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"camd/pkg/source/spec"

	"go.yaml.in/yaml/v3"
)

// entry is a camera as the file has it, before its parts are put together.
type entry struct {
	Camera
	user, password string
	given          map[string]*yaml.Node // by key
}

// seen is what earlier cameras have taken.
type seen struct {
	ids     map[string]int    // line
	devices map[string]string // path to id
}

// cameraFields are the keys of an entry of cameras.
func cameraFields() []field[entry] {
	return []field[entry]{
		{"id", readID},
		{"title", readTitle},
		{"source", readSource},
		{"size", size(func(e *entry) *spec.Size { return &e.Size })},
		{"fps", rate(func(e *entry) *float64 { return &e.FPS })},
		{"format", choice(func(e *entry) *string { return &e.Format }, Formats...)},
		{"quality", whole(func(e *entry) *int { return &e.Quality }, 1, 100)},
		{"user", readUser},
		{"password", readPassword},
		{"password_file", readPasswordFile},
		{"transport", choice(func(e *entry) *string { return &e.Transport }, "tcp", "udp")},
		{"ca_file", vouchers(func(e *entry) *string { return &e.CAFile })},
		{"fingerprint", readFingerprint},
		{"tls_verify", flag(func(e *entry) *bool { return &e.TLSVerify })},
		{"redirect_hosts", readRedirectHosts},
		{"loop", flag(func(e *entry) *bool { return &e.Loop })},
		{"on_demand", flag(func(e *entry) *bool { return &e.OnDemand })},
		{"paused", flag(func(e *entry) *bool { return &e.Paused })},
		{"stall_timeout", duration(func(e *entry) *time.Duration { return &e.StallTimeout }, 100*time.Millisecond, 10*time.Minute)},
		{"open_timeout", duration(func(e *entry) *time.Duration { return &e.OpenTimeout }, 100*time.Millisecond, 10*time.Minute)},
		{"frozen_timeout", durationOrOff(func(e *entry) *time.Duration { return &e.Frozen }, time.Second, 24*time.Hour)},
		{"recycle", durationOrOff(func(e *entry) *time.Duration { return &e.Recycle }, time.Minute, 365*24*time.Hour)},
		{"controls", readControls},
		{"renditions", readRenditions},
	}
}

// onlyFor says which keys make sense for some kinds of source only.
var onlyFor = []struct {
	keys  []string
	kinds []spec.Kind
	say   string
}{
	{[]string{"size", "format"}, []spec.Kind{spec.Device}, "only a V4L2 device can be asked for it"},
	{[]string{"fps"}, []spec.Kind{spec.Device, spec.Poll}, "only a V4L2 device or an http+poll:// source can be asked for it"},
	{[]string{"user", "password", "password_file"}, []spec.Kind{spec.RTSP, spec.HTTP, spec.Poll}, "only an rtsp:// or http:// source has one"},
	{[]string{"controls"}, []spec.Kind{spec.Device}, "only a V4L2 device has them"},
	{[]string{"transport"}, []spec.Kind{spec.RTSP}, "only an rtsp:// source has one"},
	{[]string{"redirect_hosts"}, []spec.Kind{spec.HTTP, spec.Poll}, "only an http:// or https:// source has them"},
	{[]string{"loop"}, []spec.Kind{spec.File}, "only a file can start again"},
}

// camera reads an entry of cameras.
func (d *decoder) camera(n *yaml.Node, fields []field[entry], seen *seen) Camera {
	e := entry{Camera: DefaultCamera("", spec.Source{})}
	e.given = decode(d, "cameras", n, fields, &e)
	if n.Kind != yaml.MappingNode {
		return e.Camera
	}
	for _, key := range []string{"id", "source"} {
		if e.given[key] == nil {
			d.bad(n, "this camera has no %s", key)
		}
	}
	if first, taken := seen.ids[e.ID]; taken && e.ID != "" {
		d.bad(e.given["id"], "id: %q is taken by the camera on line %d", e.ID, first)
	} else if e.ID != "" {
		seen.ids[e.ID] = e.given["id"].Line
	}
	if e.Title == "" {
		e.Title = e.ID
	}
	if e.Source.Kind != "" {
		d.checkKind(&e, seen)
		d.checkVerification(&e)
		d.credentials(&e)
	}
	return e.Camera
}

// checkKind reports what does not go with the kind of source.
func (d *decoder) checkKind(e *entry, seen *seen) {
	kind := e.Source.Kind
	if e.given["frozen_timeout"] == nil {
		e.Frozen = defaultFrozen(kind)
	}
	for _, o := range onlyFor {
		for _, key := range o.keys {
			at := e.given[key]
			switch {
			case at == nil || slices.Contains(o.kinds, kind):
			case kind == spec.Test && (key == "size" || key == "fps"):
				d.bad(at, "%s: a test source has it in its address, such as test://?size=1280x720&fps=30", key)
			default:
				d.bad(at, "%s: makes no sense for this source; %s", key, o.say)
			}
		}
	}
	switch {
	case kind == spec.RTSP && e.Source.URL.Scheme == "rtsps" && e.Transport == "udp":
		d.bad(e.given["transport"], "transport: rtsps:// is always tcp")
	case kind == spec.RTSP && e.given["transport"] == nil:
		e.Transport = "tcp"
	case kind == spec.Device && seen.devices[e.Source.Path] != "":
		d.bad(e.given["source"], "source: camera %q has this device already, and only one can", seen.devices[e.Source.Path])
	case kind == spec.Device:
		seen.devices[e.Source.Path] = e.ID
	}
}

func readID(d *decoder, key string, n *yaml.Node, to *entry) {
	id, ok := d.text(key, n, "a name")
	if !ok {
		return
	}
	if isID(id) {
		to.ID = id
		return
	}
	such := ""
	if s := slug(n.Value); isID(s) && !strings.Contains(n.Value, "${") {
		such = fmt.Sprintf(", such as %q", s)
	}
	d.bad(n, `%s: want 1 to 63 of a-z, 0-9 and "-", not "-" first%s; got %s`, key, such, show(n))
}

func isID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-'
}

// slug makes an id of a name.
func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !isID(string(r)) })
	return strings.Join(words, "-")
}

func readTitle(d *decoder, key string, n *yaml.Node, to *entry) {
	const most = 200
	s, ok := d.text(key, n, "a text")
	switch {
	case !ok:
	case hasControl(s):
		d.bad(n, "%s: has a line break or control character in it", key)
	case len(s) > most:
		d.bad(n, "%s: longer than %d bytes", key, most)
	default:
		to.Title = s
	}
}

func readSource(d *decoder, key string, n *yaml.Node, to *entry) {
	s, ok := d.text(key, n, "a source such as /dev/video0 or rtsp://host/path")
	if !ok {
		return
	}
	src, err := spec.Parse(s)
	if err == nil && src.Kind == spec.File && !filepath.IsAbs(src.Path) {
		src, err = spec.Parse(filepath.Join(d.dir, src.Path))
	}
	if err != nil {
		d.bad(n, "%s: %s", key, strings.TrimPrefix(err.Error(), "source "))
		return
	}
	to.Source = src
}
