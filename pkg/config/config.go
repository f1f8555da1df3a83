// Package config reads camd's configuration file. The file is strict YAML, and all mistakes are reported at once, each with its place.
//
// schema.json declares every key. [Parse] returns a complete [Config]: defaults are filled in, credentials are added to each camera's
// source, and relative paths are resolved from the folder of the file. It reads secrets from the files that the configuration names.
// Package configfile checks the certificates, users, tokens and keys in such files.
//
// If anything is wrong, Parse returns an [*Error] that lists each [Problem] as file:line:column. A problem says what is wrong and what
// would be right.
//
// ${NAME} in a value stands for the environment variable NAME. It is replaced after the YAML has been parsed, so no variable can add a
// key. $${ is a plain ${.
//
// No error shows a password. Printing or marshalling a Config does not, either.
package config

import (
	"cmp"
	"os"
	"time"

	"camd/pkg/media"
	"camd/pkg/source/options"
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
	// SendBuffer is how many unsent bytes the kernel may hold for a viewer. The default keeps a slow viewer's picture a fraction of a second
	// old, and a fast viewer's at full rate: see docs/performance.md.
	SendBuffer  int64
	WatchConfig bool     // reload when the file changes
	Hosts       []string // names by which browsers may reach this camd, in addition to those that it knows: NAME, *.NAME, or * for any
	AllowOrigin []string // origins whose scripts may read pictures, or * for any; empty allows none
	// FrameAncestors are the origins whose pages may show camd's in a frame: self, origins, or only none. nil means self.
	FrameAncestors []string
	Webhooks       []Webhook
	MQTT           *MQTT  // nil: no broker
	Bus            *Bus   // nil: cameras are not shared
	Site           string // name of this camd where there are several; empty means the host name
	PublicURL      string // where users reach this camd, without a trailing slash; empty: not known
	StateDir       string // where camd keeps its state; empty means the directory that systemd has made, if any
	Log            Log

	files        []namedFile
	positions    map[string]position // of keys, by their paths such as auth/users/anna
	listenInFile string              // as the file has it, which Listen may override
}

// Limits bound what a daemon uses. 0 means no limit.
type Limits struct {
	Viewers              int   // streams of all cameras together
	ViewersPerCamera     int   // streams of one camera
	ViewersPerAddress    int   // streams to one IP address
	BytesPerSecond       int64 // of all streams together; above it no viewer is admitted
	ViewerBytesPerSecond int64 // of one stream; above it frames are dropped
	CaptureMemory        int64 // resident bytes of one capture process; above it the process is replaced
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
	camera.CaptureMemory = c.Limits.CaptureMemory
	camera.Limits = media.Limits{Bytes: int(c.Limits.FrameBytes), Pixels: c.Limits.FramePixels}
	return camera
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // auto, json or console

	Audit          string // where the audit log goes: on (to the log), off, or a file's path
	AuditAddresses string // how much of an address the audit log has: full, short or none
}

// Formats lists what a device can be asked for.
func Formats() []string {
	return declaration().Properties.get("cameras").Items.Properties.get("format").Enum
}

// Default returns what applies if a file says nothing. It has no cameras.
func Default() *Config {
	c := &Config{}
	decode(declaration(), nil, c)
	return c
}
