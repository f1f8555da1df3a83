package camera

// Reason is why a camera is not live. It is one of a fixed set, since it is a metric's label. A new reason needs its constant,
// an entry in Reasons and one in reasonTexts.
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

// reasonTexts has each reason in words.
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
