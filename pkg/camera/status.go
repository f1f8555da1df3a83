package camera

import "time"

// Format is what a camera delivers, as negotiated with it. It is zero until the camera has been opened.
type Format struct {
	Backend     string  // what reads the source: "V4L2" or "FFMPEG" of OpenCV, "HTTP" or "PATTERN"
	Codec       string  // of the source, in lower case: "mjpeg", "h264", "yuyv"
	Width       int     // pixels
	Height      int     // pixels
	FPS         float64 // as the source declares it; 0 if it does not
	Passthrough bool    // the source's own JPEGs are forwarded without decoding
	Note        string  // how the format differs from what was requested, for people; usually empty
}

// Names of tracks.
const (
	Video = "video" // what the camera sends, as it sends it
	Sub   = "sub"   // the same from the camera's smaller stream
)

// IsTrackName reports whether a name is that of a track of video. A rendition cannot have it, since both are labels of the same metrics.
func IsTrackName(name string) bool { return name == Video || name == Sub }

// Track describes a stream of H.264 or H.265 that camd passes on as the camera sends it.
type Track struct {
	Name                     string // Video or Sub
	State                    State
	Reason                   Reason
	Codec                    string        // "h264" or "h265"; empty before the first frame
	CodecString              string        // for browsers (RFC 6381), such as "avc1.640028"
	Width, Height            int           // pixels
	FPS                      float64       // over the last five seconds, as BitRate
	BitRate                  float64       // bits per second
	KeyframeInterval         time.Duration // between the newest two keyframes; 0 before the second
	Joinable                 bool          // the ring holds a whole group of pictures, so that a new viewer gets a picture at once
	Frames, Keyframes, Bytes uint64        // published since the camera was added
	LastFrame                time.Time     // capture time of the newest frame; zero if there was none
}

// Decoder describes the process that makes JPEGs of a track, while somebody wants them.
type Decoder struct {
	Track       string  // Video or Sub; Main for renditions of a camera that sends JPEGs
	StateChange         // Idle while nobody wants pictures
	Worker              // PID is 0 while no process runs. A process stays for a while after nobody wants pictures any more
	Starts      uint64  // processes started since the camera was added
	RunSeconds  float64 // how long processes have run
	Pictures    uint64  // received from the processes
}

// Stream describes a rendition as it is made now.
type Stream struct {
	Name        string // of the rendition
	Track       string // the track that is decoded for it; empty if what reads the camera delivers them
	StateChange        // that of the camera, or that of the decoder if the camera is live and the decoder delivers no pictures
}

// Main is the name of the rendition that every camera has: its pictures in their own size.
const Main = "main"

// Rendition is a form of a camera's pictures in another size, rate or quality than main. It is made only while somebody watches it.
type Rendition struct {
	Name    string  `json:"name"`            // a URL segment and a metric label
	Width   int     `json:"width"`           // pixels; the height keeps the proportions, and pictures are never enlarged
	FPS     float64 `json:"fps,omitempty"`   // the highest number of pictures a second; 0 means every picture
	Quality int     `json:"quality"`         // JPEG quality, 1 to 100
	Track   string  `json:"track,omitempty"` // of a camera with video: Video, Sub, or empty for the smallest that is large enough
}

// Size returns the size of the rendition's pictures for pictures of the given size in main. A height that is scaled is even, because
// chroma is subsampled.
func (r Rendition) Size(width, height int) (int, int) {
	if r.Width <= 0 || r.Width >= width {
		return width, height
	}
	return r.Width, max(2, (height*r.Width/width+1)&^1)
}

// Status is a snapshot of one camera. A time is zero if its event has not happened.
type Status struct {
	ID        string
	Title     string
	Site      string // name of the camera's site; may be empty
	Remote    bool   // the camera is of another site: this camd gets its pictures over the bus, and cannot turn it off or set its controls
	Source    string // as configured, without secrets
	State     State
	Reason    Reason // why the camera is not live; None when live, idle or paused
	Detail    string // the cause in words, for administrators, without secrets
	Since     time.Time
	NextRetry time.Time // of an offline camera: when the next attempt to open it starts
	Format    Format

	Tracks     []Track     // of H.264 and H.265; empty for a camera that sends JPEGs or raw pictures
	Renditions []Rendition // beside main
	Streams    []Stream    // main, and then the renditions
	Decoders   []Decoder   // one for each track that can be decoded; empty for a camera whose pictures no decoder makes
	Counts     Counts
	Worker     Worker
	LastFrame  time.Time // capture time of the newest live frame

	Controls []Control // as last read; nil while the camera is not open, and for sources without controls. Do not modify it
}

// SendsPictures reports whether a camera sends something else than H.264 or H.265, as is known once it is live.
func (s Status) SendsPictures() bool {
	isVideo := s.Format.Passthrough && (s.Format.Codec == "h264" || s.Format.Codec == "h265")
	return s.State == Live && !isVideo
}

// StreamState returns the state of a rendition: that of its stream, or that of the camera if Streams does not have the rendition.
func (s Status) StreamState(rendition string) StateChange {
	for _, st := range s.Streams {
		if st.Name == rendition {
			return st.StateChange
		}
	}
	return StateChange{State: s.State, Reason: s.Reason, Detail: s.Detail, Since: s.Since}
}

// StateChange is a camera's state and the reason for it. The newest one is the camera's current state.
type StateChange struct {
	State  State
	Reason Reason
	Detail string    // the cause in words; it may change while State and Reason stay
	Since  time.Time // when the state began; in a history, when the state or reason changed
}

// IsNew reports whether the state or the reason differs from before. If only the detail differs, the change gets no entry in the
// history, and is logged at level Debug.
func (s StateChange) IsNew(before StateChange) bool {
	return s.State != before.State || s.Reason != before.Reason
}

// Counts are totals since the camera was added, except for FPS.
type Counts struct {
	Captured  uint64            // frames read from the source
	Published map[string]uint64 // live frames published, by rendition
	Refused   map[string]uint64 // frames that were refused, by cause
	Restarts  map[Reason]uint64 // attempts and capture processes that failed or were replaced, by reason
	FPS       float64           // frames read per second, over the last five seconds
}

// Worker is the capture process of a camera.
type Worker struct {
	PID        int     // 0 when none runs
	CPUSeconds float64 // user and system time of this and all earlier processes
	RSSBytes   uint64  // resident memory of this process
	LimitBytes uint64  // resident memory beyond which the process is replaced; 0 means no limit
}
