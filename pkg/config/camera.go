package config

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// DefaultCamera returns a camera on src with the defaults of a file.
func DefaultCamera(id string, src sourceurl.Source) options.Camera {
	s := declaration().Properties.get("cameras").Items
	c := options.Camera{}
	decode(s, nil, &c)
	c.ID, c.Title, c.Source, c.Renditions = id, id, src, renditions(s.Properties.get("renditions"), nil)
	setDefaultsOfKind(&c, nil)
	return c
}

// setDefaultsOfKind sets the options whose defaults depend on the kind of source.
func setDefaultsOfKind(c *options.Camera, v *value) {
	if v.get("transport") == nil && c.Source.Kind != sourceurl.RTSP {
		c.Transport = ""
	}
	if v.get("reader") == nil && !c.Source.IsNetwork() {
		c.Reader = ""
	}
	if v.get("frozen_timeout") == nil && !slices.Contains([]sourceurl.Kind{sourceurl.Device, sourceurl.RTSP, sourceurl.HTTP}, c.Source.Kind) {
		c.FrozenTimeout = 0 // a file or a test pattern may stand still
	}
}

// cameraIndex holds the ids and devices that earlier cameras use.
type cameraIndex struct {
	lines   map[string]int    // of ids
	devices map[string]string // path to id
}

// cameras returns the cameras of the file.
func (d *decoder) cameras(v *value) (all []options.Camera) {
	if v == nil {
		return nil
	}
	index := cameraIndex{map[string]int{}, map[string]string{}}
	for _, entry := range v.items {
		if entry.fields == nil { // it has been reported
			all = append(all, options.Camera{})
			continue
		}
		all = append(all, d.camera(entry, index))
	}
	return all
}

// camera returns the camera of an entry, and checks what the schema cannot.
func (d *decoder) camera(v *value, index cameraIndex) options.Camera {
	var c options.Camera
	decode(v.schema, v, &c)
	if c.Title == "" {
		c.Title = c.ID
	}
	if first, taken := index.lines[c.ID]; taken && c.ID != "" {
		d.errorf(v.get("id").key, "id: %q is the id of the camera on line %d, too; change one", c.ID, first)
	} else if c.ID != "" {
		index.lines[c.ID] = v.get("id").key.Line
	}
	setDefaultsOfKind(&c, v)
	c.Once, c.TLS.SkipVerify = !v.isTrue("loop"), !v.isTrue("tls_verify")
	c.TLS.CAFile, c.TLS.Fingerprint = v.text("ca_file"), v.text("fingerprint")
	c.Controls, c.Renditions = controls(v.get("controls")), renditions(v.schema.Properties.get("renditions"), v.get("renditions"))
	d.checkRenditions(v.get("renditions"), len(c.Renditions))
	password, passwordKey := d.password(v)
	if c.Source.Kind != "" {
		d.checkSourceKind(c, v, index)
		d.checkRenditionTracks(c, v)
		d.checkVerification(c, v)
		d.addCredentials(&c.Source, v, password, passwordKey)
		addSubstreamLogin(&c)
	}
	return c
}

// keysBySourceKind lists the keys that apply to only some kinds of source.
var keysBySourceKind = []struct {
	keys  []string
	kinds []sourceurl.Kind
	says  string
}{
	{[]string{"size", "format", "controls"}, []sourceurl.Kind{sourceurl.Device}, "V4L2 devices"},
	{[]string{"fps"}, []sourceurl.Kind{sourceurl.Device, sourceurl.Poll}, "V4L2 devices and http+poll:// sources"},
	{[]string{"user", "password", "password_file"}, []sourceurl.Kind{sourceurl.RTSP, sourceurl.HTTP, sourceurl.Poll}, "rtsp:// and http:// sources"},
	{[]string{"reader"}, []sourceurl.Kind{sourceurl.RTSP, sourceurl.HTTP, sourceurl.Poll}, "rtsp:// and http:// sources"},
	{[]string{"transport", "substream"}, []sourceurl.Kind{sourceurl.RTSP}, "rtsp:// sources"},
	{[]string{"redirect_hosts"}, []sourceurl.Kind{sourceurl.HTTP, sourceurl.Poll}, "http:// and https:// sources"},
	{[]string{"loop"}, []sourceurl.Kind{sourceurl.File}, "files"},
}

// checkSourceKind reports keys that do not apply to the kind of source, and a device that two cameras have.
func (d *decoder) checkSourceKind(c options.Camera, v *value, index cameraIndex) {
	kind := c.Source.Kind
	for _, o := range keysBySourceKind {
		for _, key := range o.keys {
			at := v.fields[key]
			switch {
			case at == nil || slices.Contains(o.kinds, kind):
			case kind == sourceurl.Test && (key == "size" || key == "fps"):
				d.errorf(at.key, "%s: must be in the source of a test pattern, such as test://?size=1280x720&fps=30", key)
			default:
				d.errorf(at.key, "%s: applies only to %s; remove it", key, o.says)
			}
		}
	}
	switch {
	case kind == sourceurl.RTSP && c.Transport == "udp" && (c.Source.IsTLS() || c.Substream.IsTLS()):
		d.errorf(v.get("transport").key, "transport: must be tcp for rtsps://, is udp")
	case kind == sourceurl.Poll && c.Reader == options.ReaderOpenCV:
		d.errorf(v.get("reader").key, "reader: must be auto or go for http+poll:// sources, is opencv")
	case kind == sourceurl.Device && index.devices[c.Source.Path] != "":
		d.errorf(v.get("source").key, "source: camera %q uses this device, too, and only one camera can; remove one", index.devices[c.Source.Path])
	case kind == sourceurl.Device:
		index.devices[c.Source.Path] = c.ID
	}
}

// checkVerification reports contradictions in how a camera's certificate is verified.
func (d *decoder) checkVerification(c options.Camera, v *value) {
	ca, fingerprint, verify := v.get("ca_file"), v.get("fingerprint"), v.get("tls_verify")
	if !c.Source.IsTLS() && !c.Substream.IsTLS() {
		d.reportKeys("applies only to https:// and rtsps:// sources; remove it", ca, fingerprint, verify)
		return
	}
	switch {
	case fingerprint != nil && c.Reader == options.ReaderOpenCV:
		d.errorf(fingerprint.key, "fingerprint: does not apply with reader: opencv, because FFmpeg cannot check it; set ca_file to a file with the certificate to trust, or remove reader")
	case fingerprint != nil && ca != nil:
		d.bothGiven(ca, fingerprint)
	}
	if c.TLS.SkipVerify {
		d.reportKeys("has no effect with tls_verify: false, which accepts any certificate; remove one of them", ca, fingerprint)
	}
}

// reportKeys reports the same mistake of all keys that are given.
func (d *decoder) reportKeys(message string, keys ...*value) {
	for _, v := range keys {
		if v != nil {
			d.errorf(v.key, "%s: %s", v.key.Value, message)
		}
	}
}

// bothGiven reports two keys that exclude each other, at the later one.
func (d *decoder) bothGiven(a, b *value) {
	d.errorf(laterNode(a.key, b.key), "%s and %s are both set; remove one", a.key.Value, b.key.Value)
}

func laterNode(a, b *yaml.Node) *yaml.Node {
	if a.Line > b.Line || a.Line == b.Line && a.Column > b.Column {
		return a
	}
	return b
}
