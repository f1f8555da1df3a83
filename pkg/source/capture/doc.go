// Package capture is the whole of camd-capture: it opens one source, reads it and sends its pictures as JPEGs to camd, in
// the protocol of package wire. It is the only package of the module that imports gocv. JPEGs over HTTP are read in Go,
// everything else by OpenCV.
//
// # Two goroutines
//
// The reader goroutine owns the source and everything of OpenCV's that belongs to it: it opens, reads and closes it,
// so that nothing is ever closed under a call in progress. The sender, which is the goroutine that called [Run], encodes
// and writes. Between them is a slot of three frames in which the newest wins: the reader never waits for a slow
// encoder or for camd, and no picture is allocated per frame. The sender keeps the newest that it took, for renditions that
// become wanted before a slow camera's next. Image controls are set beside them, each request on a goroutine and a descriptor
// of its own, so that a driver that hangs holds up no picture.
//
// # What is encoded
//
// A source that delivers JPEGs is passed through (V4L2 MJPG, and MJPEG over HTTP, over RTSP or from a file): nothing is
// decoded. All else is decoded, and encoded once. Without demand one picture a second is, and for the others the
// conversion to BGR is saved too.
//
// # Damaged pictures
//
// Of the pictures that pass through, the first and then a sample are decoded to find damage inside, for half a percent of a
// CPU. After a damaged one up to five percent is spent, and only pictures that were decoded are sent, until three in a row
// were good. See damage.go.
//
// # Connections
//
// A camera may redirect, and a playlist may name any address. Go's HTTP client and FFmpeg follow the same serverRules: the source's own
// host, and the hosts that the configuration names. FFmpeg has no option for that, and its RTSP and HLS readers pass no TLS option on.
// The program therefore defines getaddrinfo and gnutls_handshake in front of the libraries' (connect.c): the one refuses hosts, the other
// verifies certificates, in the connection that FFmpeg uses. Which protocols FFmpeg may use at all is in its protocol_whitelist.
//
// # Ending
//
// A call blocked inside OpenCV cannot be cancelled. When Run is asked to stop during one, it sends its last message and returns
// without waiting for it; the process should then exit.
//
// # Processes
//
// OpenCV and FFmpeg take settings from the environment, which is why two sources with different settings do not fit into
// one process at a time. FFmpeg decodes with one thread per CPU, which OpenCV 4.6 gives no way to change.
package capture
