// Package options declares the options of a camera in one place. Package config reads them from the configuration. Package source runs
// the camera with them. Package wire sends the ones that a capture process needs.
package options

import (
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// MaxRenditions is how many renditions a camera may have beside main. The protocol of package wire has room for no more.
const MaxRenditions = 16

// Values of Capture.Reader.
const (
	ReaderAuto   = "auto"   // the Go readers, and OpenCV for a stream that they cannot read
	ReaderGo     = "go"     // only the Go readers
	ReaderOpenCV = "opencv" // only OpenCV, with one process for each camera
)

// Camera holds the options of one camera. An option that does not apply to the kind of source has its zero or default value.
type Camera struct {
	ID     string // a URL segment and a metric label
	Title  string // for people; empty means ID
	Source sourceurl.Source

	// Substream is the source of the camera's smaller stream; its zero value means none. It is read like Source, with the same options.
	Substream sourceurl.Source

	Capture

	Controls   map[string]camera.Setting // devices: what to set whenever the camera is opened, by the control's name
	Renditions []camera.Rendition        // beside main; at most MaxRenditions

	OnDemand      bool          // open the camera only while somebody watches
	Paused        bool          // turn the camera off at the start, until a person turns it on
	StallTimeout  time.Duration // the camera is stalled after this time without a new picture; 0 means 5 s
	FrozenTimeout time.Duration // the camera is frozen after this time with the same picture; 0 means never
	CaptureMaxAge time.Duration // the capture process is replaced at this age; 0 means never
}

// Capture holds the options that a capture process needs. Package wire sends them as JSON: raise wire.Version when that changes. If one
// of them changes, package source starts another capture process. The exceptions are in Options.reopenSettings of package source.
type Capture struct {
	Size      sourceurl.Size `json:"size,omitzero"`       // devices: the size to ask for; zero leaves it to the driver
	FPS       float64        `json:"fps,omitempty"`       // devices and http+poll://: the rate to ask for; 0 leaves it to the driver
	Format    string         `json:"format,omitempty"`    // devices: "auto" (default), "mjpeg" or a raw format such as "yuyv"
	Quality   int            `json:"quality,omitempty"`   // JPEG quality where camd encodes, 1 to 100; 0 means 80
	Reader    string         `json:"reader,omitempty"`    // network sources: ReaderAuto (default), ReaderGo or ReaderOpenCV
	Transport string         `json:"transport,omitempty"` // RTSP: "tcp" (default) or "udp"
	Once      bool           `json:"once,omitempty"`      // files: stop at the end instead of playing again from the beginning

	TLS           tlsverify.Options `json:"tls,omitzero"`             // https:// and rtsps://: how the server's certificate is verified
	RedirectHosts []string          `json:"redirect_hosts,omitempty"` // HTTP: other hosts to which redirects and playlists may lead

	OpenTimeout   time.Duration `json:"open_timeout,omitempty"` // how long opening may take after the process has loaded OpenCV; 0 means 10 s
	CaptureMemory int64         `json:"max_memory,omitempty"`   // limit on the process's resident memory in bytes; 0 means no limit
	Limits        media.Limits  `json:"limits,omitzero"`        // on the size of a picture; larger ones are refused; 0 means media.DefaultLimits
}
