// Package wire is the protocol between camd and the processes that read cameras: capture processes, and the readers process. Each camera
// has two pipes, one for each direction. Below, "reader" is the side that reads the camera.
//
// A message is a 4-byte big-endian length, then one byte of type, then the payload. The length counts the type and the payload. Frames,
// heartbeats and demands have fixed binary fields. The other payloads are JSON, because they are rare and may get more fields.
//
// Each side begins with a [Hello] that has the version. A peer of another version is refused. Then camd sends:
//
//   - [Start] once;
//   - [Demand], [Renditions] and [SetControls] any number of times;
//   - [Stop] to end the reader.
//
// With Start.Decode, camd also sends frames, as a reader does: [Frame] for JPEGs, [VideoFormat] and [VideoFrame] for video.
//
// The reader sends:
//
//   - [Opened] when it has opened the source;
//   - [VideoFormat] and [VideoFrame] for video that is not decoded;
//   - [Frame] for each picture that is wanted, and [Heartbeat] while none is;
//   - [Refused] for pictures that it leaves out;
//   - [Controls] as the answer to each SetControls;
//   - [Ended] as the last message.
//
// Times are nanoseconds of CLOCK_MONOTONIC, which both processes share. A change of the wall clock therefore changes no frame's age.
//
// Reading returns a message or an error, whatever a peer sends. It never panics, and never allocates more than [MaxMessage] bytes for a
// message. It returns the size of a picture, which the caller then reads with [Reader.ReadPicture] or skips with [Reader.SkipPicture].
//
// [Reader] and [Writer] are not safe for concurrent use.
package wire
