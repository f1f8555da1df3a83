// Package source runs cameras: each [Camera] owns one capture process, publishes its pictures on a broker topic and
// shows viewers a placeholder when there are none.
//
// # Life
//
// A camera belongs to the goroutine that calls [Camera.Run], which returns when its process and everything else that it
// started has ended. Run never fails because of a camera: whatever goes wrong with the device, the network, the stream
// or the process becomes a state with a reason, and is tried again after a backoff that doubles from half a second to
// half a minute and starts over once pictures have flowed. A device node that appears ends the wait at once. A server that
// does not answer is dialed every two seconds, and no process is started for its cameras until it does.
//
// A [Fleet] lets only as many processes load OpenCV at a time as there are processors. A process that was stopped by a signal
// is replaced within a few seconds, by its state and not by its silence.
//
// # What viewers get
//
// The topic carries live pictures while there are any. When they stop, the newest frame becomes a placeholder that says
// so, repeated once a second, until live pictures resume on the same topic: a reader need never leave.
//
// # Change
//
// [Camera.Reconfigure] gives a running camera other options: viewers stay, and there is another capture process only where
// [Compare] says [Reopened]. A [Fleet] does that for all cameras of a configuration, and starts and ends those that come and
// go. The topics of a camera or rendition that goes end, which tells their readers to go too.
//
// # Switched off
//
// [Camera.Pause] switches a camera off, and only another call ends that: no reader, no device that appears. It closes the
// device and takes back every picture that the topics hold, for readers in order too; what they get instead has none
// dimmed behind it.
//
// # Capture process
//
// Pictures come from camd-capture, one process per camera, over the pipes of package wire; nothing here links OpenCV.
// Each picture is read straight into the multipart part that viewers will share, and is checked by package media before
// anybody sees it.
//
// # Controls
//
// A V4L2 device's image controls are listed and set by the capture process, beside the running capture. What was set is
// remembered here and set again with each new process, before its first picture: a camera that was unplugged comes back
// as it was.
package source
