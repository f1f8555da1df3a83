package camera

// State is what a camera is doing. It depends on frames: a process or connection alone does not make a camera live.
type State string

const (
	Idle     State = "idle"     // on demand, and nobody watches
	Starting State = "starting" // being opened; no frame yet
	Live     State = "live"     // frames arrive
	Stalled  State = "stalled"  // open, but no new frame for the stall timeout
	Offline  State = "offline"  // failed; waiting to try again
	Paused   State = "paused"   // turned off by a person
)

// States lists every state.
var States = []State{Idle, Starting, Live, Stalled, Offline, Paused}

// ExpectsPictures reports whether a camera in this state delivers pictures, or will do so soon after somebody asks for one.
func (s State) ExpectsPictures() bool { return s == Idle || s == Starting || s == Live }
