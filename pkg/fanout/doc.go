// Package fanout sends a topic's frames to many TCP connections from a few goroutines.
//
// With one goroutine for each viewer, every frame wakes every goroutine, which costs more than sending the frame. This package has a
// few senders instead. A frame wakes each sender once. The sender then passes the frame's bytes, which all viewers share, to the socket
// of each viewer with a send that does not wait.
//
// If the socket of a viewer takes only a part of a frame, a goroutine writes the rest. The viewer misses the frames in the meantime and
// continues with the newest.
//
// # Video
//
// A viewer of video needs the frames that others refer to. So a viewer with a [Muxer] has a subscription of its own, in mode
// [broker.Decodable]. The Muxer makes a head for each frame, with the viewer's own times. The socket gets the head and the shared rest in
// one system call. Such a viewer gets at most 256 KiB before it is the others' turn. If its socket takes nothing of a frame, the frame is
// given back to the subscription, which drops frames that become late.
//
// # Demand
//
// A sender asks its topic for frames as often as its fastest viewer needs them: see Viewer.Period. Each viewer of video asks for every
// frame itself.
//
// # Ownership
//
// [Fanout.Add] takes ownership of a viewer's connection. The fan-out closes it exactly once, and then calls the viewer's OnClose.
//
// When a topic ends, the streams of its viewers end at a frame boundary. [Fanout.Close] ends all streams at a frame boundary. It returns
// when all goroutines have ended and all connections are closed. Viewers that take longer than Options.DrainTimeout are cut off.
//
// # Counts
//
// For each viewer, Sent and Dropped of its [Counts] together are exactly the number of frames that it has passed since it was added.
// Repeated frames do not count.
//
// # Limits
//
// Do not use it for connections that encrypt or multiplex, because viewers then do not share bytes. They need one goroutine each.
package fanout
