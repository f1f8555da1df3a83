package camera

import "time"

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
