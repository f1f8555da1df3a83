package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Parse reads data as the file of that name, with env for the environment. Its error is an *Error.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	return ParseIn(filepath.Dir(name), name, data, env, nil)
}

// ParseIn is Parse for a file whose relative paths are relative to dir. check, if it is not nil, returns further mistakes. It gets a
// configuration with defaults in the place of what is wrong, and whether it is free of mistakes so far.
func ParseIn(dir, name string, data []byte, env func(string) (string, bool), check func(c *Config, good bool) []Problem) (*Config, error) {
	d := &decoder{file: name, dir: dir, env: env}
	if abs, err := filepath.Abs(d.dir); err == nil {
		d.dir = abs
	}
	cfg := Default()
	if node := d.parseDocument(data); node != nil {
		d.rejectReferences(node)
		root := d.build(value{node: node, schema: declaration()})
		d.validate(root)
		d.read(root)
		decode(declaration(), root, cfg)
		d.readSections(root, cfg)
		if check != nil {
			d.problems = append(d.problems, check(cfg, len(d.problems) == 0)...)
		}
	}
	if len(d.problems) > 0 {
		return nil, d.problemsError()
	}
	return cfg, nil
}

// decoder reads the file and collects mistakes.
type decoder struct {
	file     string
	dir      string // folder of relative paths
	env      func(string) (string, bool)
	lines    []string // of the file
	problems []Problem
	values   int // that build has made

	cameraRefs []cameraRef
	files      []namedFile
}

// readSections completes the configuration where a value is more than its key, and checks what the schema cannot.
func (d *decoder) readSections(root *value, c *Config) {
	c.Cameras = d.cameras(root.get("cameras"))
	c.TLS = d.checkTLS(root.get("tls"), c.TLS)
	c.Auth = d.auth(root.get("auth"))
	if at := root.fields["auth"]; at != nil && at.isAbsent() {
		d.emptyAuth(at)
	}
	c.listenInFile = c.Listen
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	d.checkFrameAncestors(root.get("frame_ancestors"))
	c.Webhooks = d.webhooks(root.get("webhooks"))
	d.mqtt(root.get("mqtt"), c.MQTT)
	d.bus(root.get("bus"), c.Bus)
	c.files = d.files
	if !d.isFull() {
		c.positions = positions(root, d.file)
	}
	d.checkCameraRefs(c)
	d.checkBusSite(root, c)
	d.checkHasCameraOrBus(c, root)
}

// checkFrameAncestors reports none beside others.
func (d *decoder) checkFrameAncestors(v *value) {
	for i := 1; v != nil && i < len(v.items); i++ {
		if !v.items[i].bad && (v.items[i].data == "none" || v.items[0].data == "none") {
			d.errorf(v.items[i].node, "frame_ancestors: none must be the only entry; remove it or the others")
		}
	}
}

// resolvePath returns a path relative to the folder of the configuration.
func (d *decoder) resolvePath(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(d.dir, p)
}

// cameraRef is a reference to a camera's id.
type cameraRef struct {
	id        string
	v         *value
	localOnly bool // it must be one of this camd's own
}

// checkCameraRefs reports references to cameras that do not exist.
func (d *decoder) checkCameraRefs(c *Config) {
	ids := c.CameraIDs()
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	for _, ref := range d.cameraRefs {
		if known[ref.id] || !ref.localOnly && c.CanBeRemoteCamera(ref.id) {
			continue
		}
		hint := ""
		if !d.isFull() {
			hint = SuggestCamera(ref.id, ids)
		}
		d.errorf(ref.v.node, "%s: there is no camera %s%s", ref.v.name, quoteValue(ref.v.node), hint)
	}
}

// SuggestCamera returns a question with the id that was most likely meant; empty if there is none.
func SuggestCamera(id string, ids []string) string {
	if near := nearestKey(id, ids); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// addCameraHint says how to repair a file that serves nothing.
const addCameraHint = `add a camera, such as "cameras: [{id: test, source: 'test://'}]", or, for a relay, "bus: {servers: [nats://HOST:4222]}"`

// checkHasCameraOrBus refuses a file without cameras and without a bus, because it has most likely been cut short. If there are other
// mistakes it reports nothing, because they may be the reason.
func (d *decoder) checkHasCameraOrBus(c *Config, root *value) {
	switch cameras := root.fields["cameras"]; {
	case len(c.Cameras) > 0 || c.Bus != nil || len(d.problems) > 0:
	case cameras != nil:
		d.errorf(cameras.key, "cameras: the list is empty, and there is no bus; %s", addCameraHint)
	case isNull(root.node):
		d.errorfAt(1, 1, "%s", emptyFileMessage)
	default:
		d.errorfAt(1, 1, "the file has neither cameras nor bus; %s", addCameraHint)
	}
}

// emptyFileMessage is the error for a file without a document, or with the document null.
const emptyFileMessage = "the file is empty; " + addCameraHint
