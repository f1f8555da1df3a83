// Package streaming sends responses that never end: the frames of a topic, to one viewer each. Packages mjpeg and mp4 say what the frames
// look like.
//
// Package fanout serves all viewers on plain connections. A viewer on an encrypted or multiplexed connection has a goroutine of its own.
// A viewer that cannot keep up skips frames.
package streaming
