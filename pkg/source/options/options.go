// Package options declares the options of a camera, each of them once. Package config reads them from the configuration, package
// source supervises the camera by them, and package wire sends a capture process those that it needs.
package options

import (
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// MaxRenditions is how many renditions a camera may have beside main. Messages between camd and its capture processes hold no more.
const MaxRenditions = 16

// Camera holds the options of one camera. An option that does not apply to the kind of source has its zero or default value.
type Camera struct {
	ID     string // a URL segment and a metric label
	Title  string // for people; empty means ID
	Source sourceurl.Source

	Capture

	Controls   map[string]camera.Setting // devices: what to set whenever the camera is opened, by the control's name
	Renditions []camera.Rendition        // beside main; at most MaxRenditions

	OnDemand      bool          // open only while somebody watches
	Paused        bool          // begin switched off, until somebody switches it on
	StallTimeout  time.Duration // without a new picture for so long, a camera is stalled; 0 means 5 s
	FrozenTimeout time.Duration // when every picture has been the same for so long, a camera is frozen; 0 means never
	WorkerMaxAge  time.Duration // how old a capture process may become; 0 means any age
}

// Capture holds the options that a capture process needs. Package wire sends them as JSON: raise wire.Version when that changes. If one
// of them changes, package source starts another capture process; source.Compare lists the exceptions.
type Capture struct {
	Size      sourceurl.Size `json:"size,omitzero"`       // devices: the size to ask for; zero leaves it to the driver
	FPS       float64        `json:"fps,omitempty"`       // devices and http+poll://: the rate to ask for; 0 leaves it to the driver
	Format    string         `json:"format,omitempty"`    // devices: "auto" (default), "mjpeg" or a raw format such as "yuyv"
	Quality   int            `json:"quality,omitempty"`   // JPEG quality where camd encodes, 1 to 100; 0 means 80
	Transport string         `json:"transport,omitempty"` // RTSP: "tcp" (default) or "udp"
	Once      bool           `json:"once,omitempty"`      // files: stop at the end instead of starting again

	TLS           tlsverify.Options `json:"tls,omitzero"`             // https:// and rtsps://: how the server's certificate is verified
	RedirectHosts []string          `json:"redirect_hosts,omitempty"` // HTTP: other hosts that it may redirect to, or name in a playlist

	OpenTimeout  time.Duration `json:"open_timeout,omitempty"` // for opening, once the process has loaded OpenCV; 0 means 10 s
	WorkerMemory int64         `json:"max_memory,omitempty"`   // resident bytes that the process may take; 0 means any number
	Limits       media.Limits  `json:"limits,omitzero"`        // of a picture; a larger one is refused; 0 means media.DefaultLimits
}
