// Package config reads camd's configuration file. The file is strict YAML, and all mistakes are reported at once, each with its place.
//
// [Load] returns a complete [Config]: defaults are filled in, credentials are merged into each camera's source, and relative paths are
// resolved from the folder of the file. If anything is wrong, it returns an [*Error] that lists each [Problem] as file:line:column. A
// problem says what is wrong and what would be right.
//
// ${NAME} in a value stands for the environment variable NAME. It is replaced after the YAML has been parsed, so no variable can add a
// key. $${ is a plain ${.
//
// No error shows a password. Printing or marshalling a Config does not, either.
package config

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// Config is a complete configuration.
type Config struct {
	Listen        string      // host:port, port 0 takes a free one; or unix: and a path
	SocketMode    os.FileMode // of a unix socket
	MetricsListen string      // a separate address for /metrics, in the form of Listen; empty means that of Listen
	TLS           *TLS        // nil: plain HTTP
	Auth          *Auth       // nil: there is no section auth; camd serves this machine only, and everybody there has full access
	Cameras       []options.Camera
	Limits        Limits
	WriteTimeout  time.Duration // a viewer that reads nothing for this long is disconnected
	SendBuffer    int64         // bytes that the kernel may hold unsent for a viewer
	WatchConfig   bool          // reload when the file changes
	Hosts         []string      // names by which browsers may reach this camd, in addition to those that it knows: NAME, *.NAME, or * for any
	AllowOrigin   []string      // origins whose scripts may read pictures, or * for any; empty allows none
	// FrameAncestors are the origins whose pages may show camd's in a frame: self, origins, or only none. nil means self.
	FrameAncestors []string
	Webhooks       []Webhook
	MQTT           *MQTT  // nil: no broker
	Bus            *Bus   // nil: cameras are not shared
	Site           string // name of this camd where there are several; empty means the host name
	PublicURL      string // where users reach this camd, without a trailing slash; empty: not known
	StateDir       string // where camd keeps its state; empty means the directory that systemd has made, if any
	Log            Log

	listenPosition      Problem // where the file has listen, and what it says
	files               []namedFile
	certificatePosition Problem // where the file says that camd makes or requests its certificate; the message is the key
}

// Limits bound what a daemon uses. 0 means no limit.
type Limits struct {
	Viewers              int   // streams of all cameras together
	ViewersPerCamera     int   // streams of one camera
	ViewersPerAddress    int   // streams to one IP address
	BytesPerSecond       int64 // of all streams together; above it no viewer is admitted
	ViewerBytesPerSecond int64 // of one stream; above it frames are dropped
	WorkerMemory         int64 // resident bytes of one capture process; above it the process is replaced
	FrameBytes           int64 // of one picture; a larger one is refused
	FramePixels          int   // of one picture, width times height; a larger one is refused

	Connections           int // of any kind; 0 means the default of ConnectionLimits
	ConnectionsPerAddress int // from one address; 0 means that default; another number applies to loopback addresses, too
}

// ConnectionLimits returns how many connections there may be in all, and from one address. By default there is room for pages and pollers
// beside all viewers, and one address cannot use it all.
func (l Limits) ConnectionLimits() (total, perAddress int) {
	const otherConnections = 1500
	total = cmp.Or(l.Connections, l.Viewers+otherConnections)
	return total, cmp.Or(l.ConnectionsPerAddress, max(total/2, 1))
}

// CameraIDs returns the ids of the cameras in their order.
func (c *Config) CameraIDs() []string {
	ids := make([]string, len(c.Cameras))
	for i, one := range c.Cameras {
		ids[i] = one.ID
	}
	return ids
}

// ForProbe returns a camera as a probe opens it: within the limits of the configuration, but without changing its controls, and with its
// main pictures only.
func (c *Config) ForProbe(camera options.Camera) options.Camera {
	camera.Controls, camera.Renditions = nil, nil
	camera.WorkerMemory = c.Limits.WorkerMemory
	camera.Limits = media.Limits{Bytes: int(c.Limits.FrameBytes), Pixels: c.Limits.FramePixels}
	return camera
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // auto, json or console

	Audit     string // where the audit log goes: on (to the log), off, or a file's path
	Addresses string // how much of an address the audit log has: full, short or none
}

// Formats lists what a device can be asked for.
var Formats = []string{"auto", "mjpeg", "yuyv", "uyvy", "yvyu", "nv12", "nv21", "yu12", "yv12", "rgb3", "bgr3", "grey"}

// Default returns what holds where a file says nothing. It has no cameras.
func Default() *Config {
	return &Config{
		Listen:       "127.0.0.1:8080",
		SocketMode:   0o660,
		Limits:       Limits{Viewers: 500, WorkerMemory: 1 << 30, FrameBytes: 8 << 20, FramePixels: 8192 * 8192},
		WriteTimeout: 10 * time.Second,
		SendBuffer:   DefaultSendBuffer,
		Log:          Log{Level: "info", Format: "auto", Audit: "on", Addresses: "full"},
	}
}

// DefaultSendBuffer keeps a slow viewer's picture a fraction of a second old, and a fast viewer's at full rate: see
// docs/performance.md.
const DefaultSendBuffer = 64 << 10

// DefaultCamera returns a camera on src with the defaults of a file.
func DefaultCamera(id string, src sourceurl.Source) options.Camera {
	c := options.Camera{
		ID: id, Title: id, Source: src,
		Capture:      options.Capture{Format: "auto", Quality: 80, OpenTimeout: 10 * time.Second},
		StallTimeout: 5 * time.Second,
		Renditions:   []camera.Rendition{defaultPreview},
	}
	if src.Kind == sourceurl.RTSP {
		c.Transport = "tcp"
	}
	c.FrozenTimeout = defaultFrozenTimeout(src.Kind)
	return c
}

// defaultFrozenTimeout returns the timeout for sources with a sensor. A file or a test pattern may stand still.
func defaultFrozenTimeout(k sourceurl.Kind) time.Duration {
	switch k {
	case sourceurl.Device, sourceurl.RTSP, sourceurl.HTTP:
		return 30 * time.Second
	}
	return 0
}

// Load reads the file at path. Its error is an *Error when the file has mistakes.
func Load(path string) (*Config, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads data as the file of that name, with env for the environment. Its error is an *Error.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	return ParseIn(filepath.Dir(name), name, data, env)
}

// ParseIn is Parse for a file whose relative paths are relative to dir.
func ParseIn(dir, name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	d := &decoder{file: name, dir: dir, env: env}
	if abs, err := filepath.Abs(d.dir); err == nil {
		d.dir = abs
	}
	cfg := Default()
	if root := d.parseDocument(data); root != nil {
		d.rejectReferences(root)
		given := decode(d, "", root, topLevelFields(), cfg)
		cfg.files = d.files
		d.checkCameraRefs(cfg)
		d.checkBusSite(cfg, given)
		d.checkHasCameraOrBus(cfg, root, given)
	}
	if len(d.problems) > 0 {
		return nil, d.problemsError()
	}
	return cfg, nil
}

// addCameraHint tells how to repair a file that serves nothing.
const addCameraHint = `add a camera, such as "cameras: [{id: test, source: 'test://'}]", or, for a relay, "bus: {servers: [nats://HOST:4222]}"`

// checkHasCameraOrBus refuses a file without cameras and without a bus, because it has most likely been cut short. If there are other
// mistakes it reports nothing, because they may be the reason.
func (d *decoder) checkHasCameraOrBus(cfg *Config, root *yaml.Node, given map[string]*yaml.Node) {
	switch cameras := given["cameras"]; {
	case len(cfg.Cameras) > 0 || cfg.Bus != nil || len(d.problems) > 0:
	case cameras != nil:
		d.errorf(cameras, "cameras: the list is empty, and there is no bus; %s", addCameraHint)
	case isNull(root):
		d.errorfAt(1, 1, "%s", emptyFileMessage)
	default:
		d.errorfAt(1, 1, "the file has neither cameras nor bus; %s", addCameraHint)
	}
}

// emptyFileMessage is the error for a file without a document, or with the document null.
const emptyFileMessage = "the file is empty; " + addCameraHint
