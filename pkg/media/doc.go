// Package media checks and normalises the JPEG pictures of cameras, and builds the multipart parts in which viewers get them.
//
// [Normalize] takes any bytes. It returns a picture that every browser decodes, or an error that says what is wrong. It checks the
// picture's size against [Limits], its segments, and that each scan has enough bytes for the picture's size.
//
// [Verify] also decodes the scans. That costs more than a hundred times as much, so callers do it for a sample of the pictures.
//
// [NewPart] builds a complete part of a multipart/x-mixed-replace stream, closing boundary included. All viewers share its bytes, and
// each gets them in one write.
//
// The package is pure Go and uses only the standard library. Its functions are safe for concurrent use.
package media
