package wire

import (
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/options"
)

// Version is the version of the protocol. Both sides must have the same.
const Version = 8

// Limits on the sizes that a peer may send.
const (
	MaxFrame   = 32 << 20 // bytes of a picture: an 8K JPEG at quality 100 has less
	MaxMessage = 64 << 10 // bytes of any other message: texts for people, addresses, credentials
)

// Message is one of the types below.
type Message interface{ kind() byte }

// Hello is the first message of either side.
type Hello struct {
	Version uint16
}

// Start tells camd-capture what to open and how. It contains the credentials, so that they are never in a command line or environment.
type Start struct {
	Source   string `json:"source"` // as package sourceurl reads it
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`

	options.Capture

	ReadTimeout time.Duration             `json:"read_timeout,omitempty"`
	Decode      bool                      `json:"decode,omitempty"`     // decode the frames that camd sends instead of opening Source, which is empty then
	Controls    map[string]camera.Setting `json:"controls,omitempty"`   // devices: what to set before the first picture
	Renditions  []camera.Rendition        `json:"renditions,omitempty"` // as in Renditions
}

// Renditions replaces the renditions of Start while camd-capture runs. Renditions that stay keep their numbers. An unused number
// has an empty rendition. Pictures that were made before may still come.
type Renditions struct {
	Quality int                `json:"quality,omitempty"` // JPEG quality of rendition 0, unless the source's JPEGs are forwarded
	List    []camera.Rendition `json:"list,omitempty"`    // the first is number 1; number 0 is main
}

// Opened says that the source is open, and describes it.
type Opened struct {
	Backend     string  `json:"backend"` // "V4L2", "FFMPEG", "RTSP", "HTTP" or "PATTERN"
	Codec       string  `json:"codec"`   // lower case: "mjpeg", "h264", "yuyv"
	Width       int     `json:"width"`   // pixels
	Height      int     `json:"height"`
	FPS         float64 `json:"fps"` // as the source declares it; 0 where it does not
	Passthrough bool    `json:"passthrough"`
	Note        string  `json:"note,omitempty"` // how the format differs from what was requested, for people
}

// frameHeaderSize is the size of a Frame's fixed fields in bytes: Rendition, Captured, Count, Encode.
const frameHeaderSize = 1 + 8 + 8 + 8

// Frame is the header of a picture of Size bytes. Read the picture with [Reader.ReadPicture], or skip it with [Reader.SkipPicture].
type Frame struct {
	Rendition uint8         // number of the rendition
	Captured  int64         // when the picture was taken: CLOCK_MONOTONIC in nanoseconds
	Count     uint64        // pictures read from the source so far, this one included
	Encode    time.Duration // how long encoding took; 0 if the source's JPEG is forwarded
	Size      int
}

// VideoFormat describes the video frames that follow. It comes before the first one, and again whenever the format changes.
type VideoFormat struct {
	Codec       string `json:"codec"`        // "h264" or "h265"
	CodecString string `json:"codec_string"` // for browsers, such as "avc1.640028"
	Width       int    `json:"width"`        // pixels
	Height      int    `json:"height"`
	Init        []byte `json:"init"` // initialisation segment, as package fmp4 builds it
}

// videoFrameHeaderSize is the size of a VideoFrame's fixed fields in bytes: flags, Captured, Count, PTS, DTS.
const videoFrameHeaderSize = 1 + 8 + 8 + 8 + 8

// VideoFrame is the header of a frame of H.264 or H.265. Size bytes follow it, which [Reader.ReadPicture] reads: the fragment of package
// fmp4, which is a head of fmp4.HeadSize bytes and then NAL units that each follow their length in 4 bytes. Parameter sets are in front
// of every keyframe.
type VideoFrame struct {
	Captured   int64         // as in Frame
	Count      uint64        // as in Frame
	PTS, DTS   time.Duration // on the track's clock
	Key        bool          // decoding can begin here
	Disposable bool          // no other frame refers to it
	Leading    bool          // it refers to frames in front of the keyframe before it
	Hidden     bool          // to be decoded, but no picture is wanted of it: later frames refer to it
	Last       bool          // the next frame is a keyframe with which decoding begins again, so the decoder returns all pictures at once
	Size       int
}

// Heartbeat says that the source delivers pictures while camd-capture sends none.
type Heartbeat struct {
	Captured int64  // of the newest picture
	Count    uint64 // as in Frame
}

// Refused says how many pictures camd-capture has left out since the last Refused, because they must not be shown.
// Pictures that the HTTP reader left out do not count in Frame.Count and Heartbeat.Count.
type Refused struct {
	Pictures map[string]uint64 `json:"pictures"`       // by cause, one of media.Causes
	Size     int64             `json:"size,omitempty"` // bytes of the newest picture that was too large

	// Cause is what is wrong with the source's newest picture, if camd-capture decoded it and found damage.
	Cause  string `json:"cause,omitempty"`  // one of media.Causes
	Detail string `json:"detail,omitempty"` // for people
}

// Demand says whether pictures of a rendition are wanted. At the start, none are. camd-capture sends no pictures of a rendition that is
// not wanted. Rendition 0 is an exception: camd-capture sends one picture a second, so that camd always has a recent one. When another
// rendition becomes wanted, or is requested again, camd-capture makes it at once from the camera's newest picture, if it still has that
// picture. This does not depend on the rendition's rate.
type Demand struct {
	Rendition uint8
	Wanted    bool
	Period    time.Duration // pictures need not be closer together than this; 0 means every picture at the rendition's rate
}

// Stop asks camd-capture to end.
type Stop struct{}

// Ended is camd-capture's last message: why it ends.
type Ended struct {
	Reason      string `json:"reason"`                // a camera.Reason
	Detail      string `json:"detail"`                // for people, without secrets
	Unsupported bool   `json:"unsupported,omitempty"` // the source answers, and this reader cannot read what it sends: OpenCV may
}

const (
	kindHello     = 'H'
	kindStart     = 'S'
	kindOpened    = 'O'
	kindFrame     = 'F'
	kindVideo     = 'V'
	kindFormat    = 'T'
	kindHeartbeat = 'B'
	kindDemand    = 'D'
	kindStop      = 'Q'
	kindEnded     = 'E'

	kindSetControls = 'A'
	kindControls    = 'C'

	kindRenditions = 'R'
	kindRefused    = 'L' // left out
)

func (Hello) kind() byte       { return kindHello }
func (Start) kind() byte       { return kindStart }
func (Opened) kind() byte      { return kindOpened }
func (Frame) kind() byte       { return kindFrame }
func (VideoFormat) kind() byte { return kindFormat }
func (VideoFrame) kind() byte  { return kindVideo }
func (Heartbeat) kind() byte   { return kindHeartbeat }
func (Demand) kind() byte      { return kindDemand }
func (Stop) kind() byte        { return kindStop }
func (Ended) kind() byte       { return kindEnded }

func (SetControls) kind() byte { return kindSetControls }
func (Controls) kind() byte    { return kindControls }

func (Renditions) kind() byte { return kindRenditions }
func (Refused) kind() byte    { return kindRefused }
