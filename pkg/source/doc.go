// Package source runs cameras. Each [Camera] owns what reads it, a capture process or a session in the readers process. It publishes pictures
// on broker topics, one for each rendition, and H.264 or H.265 on the topics of its tracks ([Camera.Track]). While there are no
// pictures, it publishes a placeholder.
//
// # Run
//
// [Camera.Run] returns when its context has ended and everything that it started has ended too. It has no error. A failure of the
// device, the network, the stream or the process becomes a state with a reason, and the camera is opened again:
//
//   - The wait before the next attempt doubles from half a second to half a minute. It starts over once there were pictures.
//   - A device node or file that appears ends the wait at once.
//   - A server that does not answer is dialed every two seconds. Until it answers, nothing else is started for its cameras.
//   - A process that a signal has stopped is replaced after a few seconds. Its state in /proc shows that it is stopped.
//
// A [Fleet] runs many cameras. It lets only as many processes load OpenCV at the same time as there are processors.
//
// # What viewers get
//
// A topic has live pictures while the camera is live. In every other state it has a placeholder, repeated once a second while
// somebody watches. Live pictures resume on the same topic, so readers can stay.
//
// # Reconfigure
//
// [Camera.Reconfigure] gives a running camera other options. Its viewers stay. It is opened again only if [Compare]
// returns [Reopened]. [Fleet.Reconfigure] does this for all cameras of a configuration, and starts and ends cameras that were added
// and removed. When a camera or rendition is removed, its topics end, and readers get [broker.ErrEnded].
//
// # Pause
//
// [Camera.SetPaused] turns a camera off. It stays off until another call turns it on, whatever readers and devices do. A camera
// that is turned off has no worker. All frames in its topics are withdrawn, also for readers that read in order. The
// placeholder that replaces them does not show the last picture.
//
// # Capture process
//
// Pictures of devices and files come from camd-capture, one process for each camera, over the pipes of package wire. Nothing here links
// OpenCV. Each picture is read straight into the multipart part that all viewers share. Package media checks it before it is published.
//
// # Readers process
//
// Network cameras are read by "camd readers", one process for all of them, which package readers implements. A camera is a session in it,
// with the same pipes as a capture process. If a library panics there, all sessions end, and the process starts again with the next
// camera that is opened. The traceback names the camera that caused the panic. A camera that does so three times within an hour gets a
// readers process of its own until camd restarts. A process with a session that does not end gets no more cameras.
//
// # Video and the decoder
//
// Frames of video are published as they come. If somebody reads a topic of JPEGs that the worker does not deliver, the camera starts
// camd-capture as a decoder, and feeds it from the topic of the video or of the substream, as many frames as the readers need. Decoders and
// the session that reads the substream are secondary: if they fail, they start again, and the state of the camera does not change.
//
// # Controls
//
// The capture process lists and sets the image controls of a V4L2 device while it captures. The camera keeps what was set. A new
// process sets it again before the first picture, so a camera that was unplugged keeps its settings.
package source
