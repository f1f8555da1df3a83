package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"

	"go.yaml.in/yaml/v3"
)

// cameraEntry is a camera as the file has it, before its parts are merged.
type cameraEntry struct {
	options.Camera
	user, password string
	given          map[string]*yaml.Node // by key
}

// cameraIndex holds the ids and devices that earlier cameras use.
type cameraIndex struct {
	ids     map[string]int    // line
	devices map[string]string // path to id
}

// cameraFields returns the keys of an entry of cameras.
func cameraFields() []field[cameraEntry] {
	return []field[cameraEntry]{
		{"id", readID},
		{"title", readTitle},
		{"source", readSource},
		{"size", pixelSize(func(e *cameraEntry) *sourceurl.Size { return &e.Size })},
		{"fps", frameRate(func(e *cameraEntry) *float64 { return &e.FPS })},
		{"format", oneOf(func(e *cameraEntry) *string { return &e.Format }, Formats...)},
		{"quality", integer(func(e *cameraEntry) *int { return &e.Quality }, 1, 100)},
		{"user", readCameraUser},
		{"password", readCameraPassword},
		{"password_file", readCameraPasswordFile},
		{"transport", oneOf(func(e *cameraEntry) *string { return &e.Transport }, "tcp", "udp")},
		{"ca_file", caFile(func(e *cameraEntry) *string { return &e.TLS.CAFile })},
		{"fingerprint", readFingerprint},
		{"tls_verify", inverted(func(e *cameraEntry) *bool { return &e.TLS.SkipVerify })},
		{"redirect_hosts", readRedirectHosts},
		{"loop", inverted(func(e *cameraEntry) *bool { return &e.Once })},
		{"on_demand", boolean(func(e *cameraEntry) *bool { return &e.OnDemand })},
		{"paused", boolean(func(e *cameraEntry) *bool { return &e.Paused })},
		{"stall_timeout", duration(func(e *cameraEntry) *time.Duration { return &e.StallTimeout }, 100*time.Millisecond, 10*time.Minute)},
		{"open_timeout", duration(func(e *cameraEntry) *time.Duration { return &e.OpenTimeout }, 100*time.Millisecond, 10*time.Minute)},
		{"frozen_timeout", durationOrOff(func(e *cameraEntry) *time.Duration { return &e.FrozenTimeout }, time.Second, 24*time.Hour)},
		{"worker_max_age", durationOrOff(func(e *cameraEntry) *time.Duration { return &e.WorkerMaxAge }, time.Minute, 365*24*time.Hour)},
		{"controls", readControls},
		{"renditions", readRenditions},
	}
}

// keysBySourceKind lists the keys that apply to only some kinds of source.
var keysBySourceKind = []struct {
	keys  []string
	kinds []sourceurl.Kind
	say   string
}{
	{[]string{"size", "format"}, []sourceurl.Kind{sourceurl.Device}, "only a V4L2 device can be asked for it"},
	{[]string{"fps"}, []sourceurl.Kind{sourceurl.Device, sourceurl.Poll}, "only a V4L2 device or an http+poll:// source can be asked for it"},
	{[]string{"user", "password", "password_file"}, []sourceurl.Kind{sourceurl.RTSP, sourceurl.HTTP, sourceurl.Poll}, "only an rtsp:// or http:// source has one"},
	{[]string{"controls"}, []sourceurl.Kind{sourceurl.Device}, "only a V4L2 device has them"},
	{[]string{"transport"}, []sourceurl.Kind{sourceurl.RTSP}, "only an rtsp:// source has one"},
	{[]string{"redirect_hosts"}, []sourceurl.Kind{sourceurl.HTTP, sourceurl.Poll}, "only an http:// or https:// source has them"},
	{[]string{"loop"}, []sourceurl.Kind{sourceurl.File}, "only a file can start again"},
}

// camera reads an entry of cameras.
func (d *decoder) camera(n *yaml.Node, fields []field[cameraEntry], index *cameraIndex) options.Camera {
	e := cameraEntry{Camera: DefaultCamera("", sourceurl.Source{})}
	e.given = decode(d, "cameras", n, fields, &e)
	if n.Kind != yaml.MappingNode {
		return e.Camera
	}
	for _, key := range []string{"id", "source"} {
		if e.given[key] == nil {
			d.errorf(n, "this camera has no %s", key)
		}
	}
	if first, taken := index.ids[e.ID]; taken && e.ID != "" {
		d.errorf(e.given["id"], "id: %q is taken by the camera on line %d", e.ID, first)
	} else if e.ID != "" {
		index.ids[e.ID] = e.given["id"].Line
	}
	if e.Title == "" {
		e.Title = e.ID
	}
	if e.Source.Kind != "" {
		d.checkSourceKind(&e, index)
		d.checkVerification(&e)
		d.mergeCredentials(&e)
	}
	return e.Camera
}

// checkSourceKind reports keys that do not apply to the kind of source.
func (d *decoder) checkSourceKind(e *cameraEntry, index *cameraIndex) {
	kind := e.Source.Kind
	if e.given["frozen_timeout"] == nil {
		e.FrozenTimeout = defaultFrozenTimeout(kind)
	}
	for _, o := range keysBySourceKind {
		for _, key := range o.keys {
			at := e.given[key]
			switch {
			case at == nil || slices.Contains(o.kinds, kind):
			case kind == sourceurl.Test && (key == "size" || key == "fps"):
				d.errorf(at, "%s: a test source has it in its address, such as test://?size=1280x720&fps=30", key)
			default:
				d.errorf(at, "%s: makes no sense for this source; %s", key, o.say)
			}
		}
	}
	switch {
	case kind == sourceurl.RTSP && e.Source.URL.Scheme == "rtsps" && e.Transport == "udp":
		d.errorf(e.given["transport"], "transport: rtsps:// is always tcp")
	case kind == sourceurl.RTSP && e.given["transport"] == nil:
		e.Transport = "tcp"
	case kind == sourceurl.Device && index.devices[e.Source.Path] != "":
		d.errorf(e.given["source"], "source: camera %q has this device already, and only one can", index.devices[e.Source.Path])
	case kind == sourceurl.Device:
		index.devices[e.Source.Path] = e.ID
	}
}

func readID(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	id, ok := d.text(key, n, "a name")
	if !ok {
		return
	}
	if IsCameraID(id) {
		to.ID = id
		return
	}
	hint := ""
	if s := idFrom(n.Value); IsCameraID(s) && !strings.Contains(n.Value, "${") {
		hint = fmt.Sprintf(", such as %q", s)
	}
	d.errorf(n, `%s: want 1 to 63 of a-z, 0-9 and "-", not "-" first%s; got %s`, key, hint, quoteValue(n))
}

// IsCameraID reports whether a text can be the id of a camera.
func IsCameraID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-'
}

// idFrom returns a valid id that resembles a name.
func idFrom(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !IsCameraID(string(r)) })
	return strings.Join(words, "-")
}

func readTitle(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	const most = 200
	s, ok := d.text(key, n, "a text")
	switch {
	case !ok:
	case hasControl(s):
		d.errorf(n, "%s: has a line break or control character in it", key)
	case len(s) > most:
		d.errorf(n, "%s: longer than %d bytes", key, most)
	default:
		to.Title = s
	}
}

func readSource(d *decoder, key string, n *yaml.Node, to *cameraEntry) {
	s, ok := d.text(key, n, "a source such as /dev/video0 or rtsp://host/path")
	if !ok {
		return
	}
	src, err := sourceurl.Parse(s)
	if err == nil && src.Kind == sourceurl.File && !filepath.IsAbs(src.Path) {
		src, err = sourceurl.Parse(filepath.Join(d.dir, src.Path))
	}
	if err != nil {
		d.errorf(n, "%s: %s", key, strings.TrimPrefix(err.Error(), "source "))
		return
	}
	to.Source = src
}
