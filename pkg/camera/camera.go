// Package camera holds the words in which camd speaks of a camera's condition: its states, the reasons for them and a
// snapshot of both with the counters beside it. It has no behaviour of its own and imports only the standard library,
// so that whoever supplies cameras and whoever shows them need not know each other. The words for what can be adjusted at
// a camera are here too.
package camera

import "time"

// State is where a camera is in its life. It follows frames, never the mere existence of a process or a connection.
type State string

const (
	Idle     State = "idle"     // on demand, and nobody watches
	Starting State = "starting" // being opened; no frame yet
	Live     State = "live"     // frames arrive
	Stalled  State = "stalled"  // open, but no new frame for the stall timeout
	Offline  State = "offline"  // failed; waiting to try again
	Paused   State = "paused"   // switched off by a person
)

// States lists every state, in the order of a camera's life.
var States = []State{Idle, Starting, Live, Stalled, Offline, Paused}

// Reason is why a camera is not live: a fixed set, fit for a metric's label.
type Reason string

const (
	None          Reason = ""
	NoDevice      Reason = "no_device"      // the device node or file does not exist
	Permission    Reason = "permission"     // it exists, and camd may not open it
	Busy          Reason = "busy"           // another program has the device
	Bandwidth     Reason = "bandwidth"      // the USB bus has no room for its pictures
	NotACamera    Reason = "not_a_camera"   // it opens, and offers no video capture
	Unreachable   Reason = "unreachable"    // no connection: refused, no route, unknown host
	Auth          Reason = "auth"           // user or password refused
	NotFound      Reason = "not_found"      // the server is there, the stream is not
	Certificate   Reason = "certificate"    // the server's certificate does not verify
	Redirect      Reason = "redirect"       // a redirect or playlist leads to a host that is not allowed
	Timeout       Reason = "timeout"        // no answer, or no frame, in time
	BadStream     Reason = "bad_stream"     // what arrives is no video that OpenCV understands
	TooLarge      Reason = "too_large"      // pictures come, and they have more bytes or pixels than the limits allow
	Damaged       Reason = "damaged"        // pictures come, and they are cut off or damaged
	EndOfFile     Reason = "end_of_file"    // the file or stream came to its end
	Disconnected  Reason = "disconnected"   // it worked, and then the device or connection was gone
	Resized       Reason = "resized"        // it changed its picture's size, for which it must be opened anew
	Frozen        Reason = "frozen"         // pictures come, and every one is the same
	WorkerMissing Reason = "worker_missing" // camd-capture was not found or does not start
	WorkerCrashed Reason = "worker_crashed" // camd-capture ended without saying why
	WorkerHung    Reason = "worker_hung"    // camd-capture stopped answering and was killed
	WorkerMemory  Reason = "worker_memory"  // camd-capture took more memory than it may and was ended
	Recycled      Reason = "recycled"       // camd-capture was replaced because its time was up
	Reconfigured  Reason = "reconfigured"   // camd-capture was replaced because the configuration says otherwise now
)

// Reasons lists every reason but None.
var Reasons = []Reason{NoDevice, Permission, Busy, Bandwidth, NotACamera, Unreachable, Auth, NotFound, Certificate, Redirect, Timeout, BadStream,
	TooLarge, Damaged, EndOfFile, Disconnected, Resized, Frozen, WorkerMissing, WorkerCrashed, WorkerHung, WorkerMemory, Recycled, Reconfigured}

// reasonTexts says each reason to a person.
var reasonTexts = map[Reason]string{
	NoDevice:      "the device or file is not there",
	Permission:    "no permission to open it",
	Busy:          "another program is using it",
	Bandwidth:     "the USB bus has no bandwidth left for it",
	NotACamera:    "this is not a capture device",
	Unreachable:   "the camera cannot be reached",
	Auth:          "the camera refused the user or password",
	NotFound:      "the camera has no such stream",
	Certificate:   "the camera's certificate could not be verified",
	Redirect:      "the camera leads to a host that is not allowed",
	Timeout:       "the camera does not answer",
	BadStream:     "the stream is not usable video",
	TooLarge:      "the camera's pictures are too large",
	Damaged:       "the camera's pictures are damaged",
	EndOfFile:     "the recording has ended",
	Disconnected:  "the camera went away",
	Resized:       "the camera changed the size of its picture",
	Frozen:        "the camera repeats the same picture",
	WorkerMissing: "the capture program does not start",
	WorkerCrashed: "the capture program crashed",
	WorkerHung:    "the capture program hung",
	WorkerMemory:  "the capture program took too much memory",
	Recycled:      "the capture program is being replaced",
	Reconfigured:  "it is being opened as configured now",
}

// Text says the reason in plain words, without a full stop.
func (r Reason) Text() string { return reasonTexts[r] }

// Format is what a camera delivers, as negotiated with it; all zero until it has been opened.
type Format struct {
	Backend     string  // the way it is read: OpenCV's "V4L2" and "FFMPEG", or "HTTP", "PATTERN"
	Codec       string  // as it arrives, lower case: "mjpeg", "h264", "yuyv"
	Width       int     // pixels
	Height      int     // pixels
	FPS         float64 // as the source declares it; 0 where it does not
	Passthrough bool    // the source's own JPEGs are served, nothing is decoded
	Note        string  // what was negotiated otherwise than asked, for people; usually empty
}

// Main is the rendition that every camera has: the pictures at the size in which they come.
const Main = "main"

// Rendition is another stream of a camera's pictures, smaller or rarer. It is made only while somebody watches it.
type Rendition struct {
	Name    string  `json:"name"`          // part of an address and a metric label
	Width   int     `json:"width"`         // pixels; the height follows, and nothing is made larger
	FPS     float64 `json:"fps,omitempty"` // at most so many pictures a second; 0 is all of them
	Quality int     `json:"quality"`       // of its JPEGs, 1 to 100
}

// Size returns the size of the rendition's pictures where main has pictures of this size. A height that is scaled is even, because
// chroma is subsampled.
func (r Rendition) Size(width, height int) (int, int) {
	if r.Width <= 0 || r.Width >= width {
		return width, height
	}
	return r.Width, max(2, (height*r.Width/width+1)&^1)
}

// Status is a snapshot of one camera. The times are zero for what has not happened.
type Status struct {
	ID        string
	Title     string
	Site      string // where it is; empty: nobody has said
	Remote    bool   // it is another camd's: this one has its pictures over the bus, and cannot switch or adjust it
	Source    string // as configured, without secrets
	State     State
	Reason    Reason // why it is not live; None when live, idle or paused
	Detail    string // for people: what exactly went wrong, without secrets
	Since     time.Time
	NextRetry time.Time // when an offline camera is tried next
	Format    Format

	Renditions []Rendition // beside main
	Counts     Counts
	Worker     Worker
	LastFrame  time.Time // capture time of the newest live frame

	Controls []Control // as last read; nil while it is not open, and for sources that have none. Not to be changed
}

// StateChange is a camera's state and the reason for it. The newest one is the camera's current state.
type StateChange struct {
	State  State
	Reason Reason
	Detail string    // the cause in words; they may change while State and Reason do not
	Since  time.Time // when the state began; in a history, when its reason changed
}

// IsNew reports whether the state or its reason differs from the one before. Only then is a change worth a log message or an entry
// in a history: another detail is another wording.
func (c StateChange) IsNew(before StateChange) bool {
	return c.State != before.State || c.Reason != before.Reason
}

// Counts are totals since the daemon started.
type Counts struct {
	Captured  uint64            // frames read from the source
	Published map[string]uint64 // live frames given to viewers, by rendition
	Refused   map[string]uint64 // frames not fit to publish, by cause
	Restarts  map[Reason]uint64 // captures that ended, by reason
	FPS       float64           // frames read per second, over the last seconds
}

// Worker is the capture process of a camera.
type Worker struct {
	PID        int     // 0 when none runs
	CPUSeconds float64 // user and system time of this and all earlier ones
	RSSBytes   uint64  // resident memory of this one
	LimitBytes uint64  // how much it may take before it is replaced; 0 is no limit
}
