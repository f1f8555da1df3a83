// Package fanout sends a topic's frames to many TCP connections from a few goroutines.
//
// A goroutine for each viewer is woken for each frame, which costs more than the frame's own send. Here a few senders,
// each woken once a frame, walk over their viewers and give the kernel the frame's shared bytes by a send that does not
// wait. A viewer whose socket takes only part of a frame gets a goroutine for as long as that lasts; meanwhile it misses
// frames, and goes on with the newest.
//
// # Ownership
//
// [Fanout.Add] takes a connection over: it is closed here, once, and then the viewer's OnClose is called. A topic that ends ends
// its streams at a frame boundary. [Fanout.Close]
// ends every stream at a frame boundary, and returns when all goroutines have ended and all connections are closed.
//
// # Accounting
//
// For each viewer sent + slow + rate + over limit is exactly the number of frames that it has passed since it was added.
//
// # What it is not for
//
// Connections that encrypt or multiplex: their bytes are not the frame's. They need a goroutine each.
package fanout
