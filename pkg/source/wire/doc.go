// Package wire is the protocol between camd and camd-capture, spoken over two pipes.
//
// A message is a 4-byte big-endian length, then that many bytes: one byte of type and the payload. Each side begins
// with a [Hello] that carries the version; a peer of another version is refused. camd then sends [Start] once, and
// after it [Demand], [Renditions] and [SetControls] as often as it likes and [Stop]; camd-capture answers with [Opened] and after
// it a stream of [Frame] and [Heartbeat], with [Refused] where it leaves some out, with [Controls] to each SetControls, and with [Ended]
// before it exits. Control payloads are JSON, since they are rare and grow; frames and heartbeats are fixed binary fields.
//
// Clocks: times are nanoseconds of CLOCK_MONOTONIC, which both processes share, so that a step of the wall clock
// between capture and delivery changes no frame's age.
//
// Whatever a peer sends, reading it ends in a message or an error, never a panic or an allocation beyond [MaxMessage]. Of a picture the
// reader is told the size, and takes it or skips it.
// A [Reader] and a [Writer] belong to one goroutine each.
package wire
