// Package rtsp reads the video track of one RTSP camera (RFC 2326) and returns its frames as the camera encoded them. It decodes nothing.
//
// Read opens the stream, calls back for each frame, and returns when the stream ends, when nothing arrives for too long, or when its
// context ends. It waits for all goroutines that it started.
//
// # Servers
//
// A redirect may lead only to the host of the source, at any port, and is not followed for rtsps://. So no other host gets the password.
// Over UDP, packets count only from the address and the port that the camera named, and the address must be that of its RTSP connection: a
// camera that names another sender is refused. The destination that it names does not count, because address translation changes it.
//
// # Complete frames
//
// A frame with a lost packet is left out, and so are all frames up to the next keyframe. Everything that Read delivers can be decoded:
// the first frame is a keyframe, and no frame refers to one that was left out. OnDrop is called with the cause for each frame that is left
// out.
//
// # Bounds
//
// These bounds hold whatever a server sends: 1 MiB before the stream plays, including the description of at most 128 KiB with at most 32
// medias; 255 header lines of 2.5 KiB for a later response; 8 MiB (Options.Track.MaxBytes) and 16384 packets for a frame; 64 packets that
// wait for an earlier one, over UDP.
package rtsp
