// Package media normalises the JPEG pictures that cameras deliver to viewers, and builds
// the multipart parts in which viewers get them.
//
// [Normalize] takes any bytes that claim to be a picture and returns one that every browser decodes, or an error that
// says what is wrong. It checks every picture: its size against [Limits], its segments, and that its scans can be as large as the
// header says. [Verify] also decodes the scans, which costs more than a hundred times as much, so that callers do it for a sample.
// [NewPart] lays a picture out as a complete part of a multipart/x-mixed-replace stream, closing
// boundary included, so that each viewer is served by one write of shared bytes.
//
// Pure Go, standard library only. Functions are safe for concurrent use.
package media
