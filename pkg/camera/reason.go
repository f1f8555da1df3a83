package camera

// Reason says why a camera is not live. The set of reasons is fixed, because a reason is a label of a metric. A new reason needs a
// constant, an entry in Reasons and an entry in reasonTexts.
type Reason string

const (
	None          Reason = ""
	NoDevice      Reason = "no_device"      // the device node or file does not exist
	Permission    Reason = "permission"     // camd is not allowed to open the device or file
	Busy          Reason = "busy"           // another program uses the device
	Bandwidth     Reason = "bandwidth"      // the USB bus has no bandwidth left for the device
	NotACamera    Reason = "not_a_camera"   // the device has no video capture that camd can use
	Unreachable   Reason = "unreachable"    // no connection to the server: refused, no route, unknown host
	Auth          Reason = "auth"           // the server refuses the user or password, or asks for one
	NotFound      Reason = "not_found"      // the server has no such stream
	Certificate   Reason = "certificate"    // the server's certificate does not verify
	Redirect      Reason = "redirect"       // a redirect or playlist leads to a host that is not allowed
	Timeout       Reason = "timeout"        // no answer or no picture in time
	BadStream     Reason = "bad_stream"     // the source sends no video that camd can read
	Undecodable   Reason = "undecodable"    // the camera is live, and FFmpeg cannot decode its video
	TooLarge      Reason = "too_large"      // the pictures have more bytes or pixels than the limits allow
	Damaged       Reason = "damaged"        // the pictures are cut off or damaged
	EndOfFile     Reason = "end_of_file"    // a file that is played once has ended
	Disconnected  Reason = "disconnected"   // the device or connection was lost
	Resized       Reason = "resized"        // the pictures changed their size, so the source must be opened again
	Frozen        Reason = "frozen"         // all pictures are the same
	WorkerMissing Reason = "worker_missing" // camd-capture was not found or does not start
	WorkerCrashed Reason = "worker_crashed" // camd-capture ended without a reason
	WorkerHung    Reason = "worker_hung"    // camd-capture did not answer or a signal stopped it, and it was killed
	WorkerMemory  Reason = "worker_memory"  // camd-capture took more memory than its limit and was stopped
	Recycled      Reason = "recycled"       // camd-capture was replaced because it had reached its maximum age
	Reconfigured  Reason = "reconfigured"   // camd-capture was replaced because the configuration has changed
)

// Reasons lists every reason but None.
var Reasons = []Reason{NoDevice, Permission, Busy, Bandwidth, NotACamera, Unreachable, Auth, NotFound, Certificate, Redirect, Timeout, BadStream,
	Undecodable, TooLarge, Damaged, EndOfFile, Disconnected, Resized, Frozen, WorkerMissing, WorkerCrashed, WorkerHung, WorkerMemory, Recycled, Reconfigured}

// reasonTexts holds the result of Reason.Text for each reason.
var reasonTexts = map[Reason]string{
	NoDevice:      "the device or file does not exist",
	Permission:    "no permission to open the device or file",
	Busy:          "another program uses the device",
	Bandwidth:     "the USB bus has no bandwidth left for the device",
	NotACamera:    "the device delivers no pictures",
	Unreachable:   "the camera cannot be reached",
	Auth:          "the camera refused the user or password",
	NotFound:      "the camera has no such stream",
	Certificate:   "the camera's certificate could not be verified",
	Redirect:      "the camera redirects to a host that is not allowed",
	Timeout:       "the camera does not answer",
	BadStream:     "the camera sends no video that camd can read",
	Undecodable:   "camd cannot decode the camera's video",
	TooLarge:      "the camera's pictures are too large",
	Damaged:       "the camera's pictures are damaged",
	EndOfFile:     "the end of the file was reached",
	Disconnected:  "the connection to the camera was lost",
	Resized:       "the size of the camera's pictures has changed",
	Frozen:        "the camera repeats the same picture",
	WorkerMissing: "the capture process does not start",
	WorkerCrashed: "the capture process crashed",
	WorkerHung:    "the capture process did not respond",
	WorkerMemory:  "the capture process used too much memory",
	Recycled:      "the capture process is being replaced",
	Reconfigured:  "the camera is being opened with its new configuration",
}

// Text returns the reason as a short English text without a full stop, or "" for None.
func (r Reason) Text() string { return reasonTexts[r] }
