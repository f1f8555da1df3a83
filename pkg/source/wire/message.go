package wire

import (
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/options"
)

// Version of the protocol; both sides must have the same.
const Version = 6

// Limits on what a peer may announce.
const (
	MaxFrame   = 32 << 20 // bytes of a picture: an 8K JPEG at quality 100 stays below it
	MaxMessage = 64 << 10 // bytes of any other message: texts for people, addresses, credentials
)

// Message is one of the types below.
type Message interface{ kind() byte }

// Hello is the first message of either side.
type Hello struct {
	Version uint16
}

// Start tells camd-capture what to open and how. It carries the credentials, which therefore never stand in a command
// line or an environment.
type Start struct {
	Source   string `json:"source"` // as package sourceurl reads it
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`

	options.Capture

	ReadTimeout time.Duration             `json:"read_timeout,omitempty"`
	Controls    map[string]camera.Setting `json:"controls,omitempty"`   // devices: what to set before the first picture
	Renditions  []camera.Rendition        `json:"renditions,omitempty"` // as in Renditions
}

// Renditions tells a running camd-capture what to make of its pictures from now on, in the place of what Start said. The
// numbers of those that stay are the same; a number that is not in use has an empty one. A picture that was made before may
// still come.
type Renditions struct {
	Quality int                `json:"quality,omitempty"` // of rendition 0, where it encodes
	List    []camera.Rendition `json:"list,omitempty"`    // the first is number 1; number 0 is the pictures as they come
}

// Opened says what the source turned out to be.
type Opened struct {
	Backend     string  `json:"backend"` // "V4L2", "FFMPEG", "HTTP" or "PATTERN"
	Codec       string  `json:"codec"`   // lower case: "mjpeg", "h264", "yuyv"
	Width       int     `json:"width"`   // pixels
	Height      int     `json:"height"`
	FPS         float64 `json:"fps"` // as the source declares it; 0 where it does not
	Passthrough bool    `json:"passthrough"`
	Note        string  `json:"note,omitempty"` // what differs from what was asked, for people
}

// Frame announces a picture of Size bytes, which follow and are taken with [Reader.Picture].
type Frame struct {
	Rendition uint8         // its number
	Captured  int64         // CLOCK_MONOTONIC, ns, when the picture was taken
	Count     uint64        // pictures read from the source so far, this one included
	Encode    time.Duration // what encoding took; 0 when passed through
	Size      int
}

// Heartbeat says that pictures arrive though none is asked for.
type Heartbeat struct {
	Captured int64  // of the newest picture
	Count    uint64 // as in Frame
}

// Refused says how many pictures camd-capture has left out since the last such message, because they were not fit to be shown.
// Those that it read in Go and never took for pictures count in no Frame and no Heartbeat.
type Refused struct {
	Pictures map[string]uint64 `json:"pictures"`       // by one of media.Causes
	Size     int64             `json:"size,omitempty"` // bytes of the newest one that was too large

	// What is wrong with the source's newest picture, where camd-capture decoded it and found damage.
	Cause  string `json:"cause,omitempty"`  // one of media.Causes
	Detail string `json:"detail,omitempty"` // for people
}

// Demand says whether pictures of a rendition are wanted. Without demand, camd-capture sends none, but of rendition 0 one a
// second, so that there is a recent picture to begin with, and heartbeats. It begins without. A rendition other than 0 that is
// wanted, or wanted again, is made at once of the camera's newest picture if that is at hand, whatever its rate.
type Demand struct {
	Rendition uint8
	Wanted    bool
}

// Stop asks camd-capture to end.
type Stop struct{}

// Ended is camd-capture's last message: why it ends.
type Ended struct {
	Reason string `json:"reason"` // a camera.Reason
	Detail string `json:"detail"` // for people, without secrets
}

const (
	kindHello     = 'H'
	kindStart     = 'S'
	kindOpened    = 'O'
	kindFrame     = 'F'
	kindHeartbeat = 'B'
	kindDemand    = 'D'
	kindStop      = 'Q'
	kindEnded     = 'E'

	kindSetControls = 'A'
	kindControls    = 'C'

	kindRenditions = 'R'
	kindRefused    = 'L' // left out
)

func (Hello) kind() byte     { return kindHello }
func (Start) kind() byte     { return kindStart }
func (Opened) kind() byte    { return kindOpened }
func (Frame) kind() byte     { return kindFrame }
func (Heartbeat) kind() byte { return kindHeartbeat }
func (Demand) kind() byte    { return kindDemand }
func (Stop) kind() byte      { return kindStop }
func (Ended) kind() byte     { return kindEnded }

func (SetControls) kind() byte { return kindSetControls }
func (Controls) kind() byte    { return kindControls }

func (Renditions) kind() byte { return kindRenditions }
func (Refused) kind() byte    { return kindRefused }
