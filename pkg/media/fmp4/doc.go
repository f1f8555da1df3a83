// Package fmp4 builds fragmented MP4 (ISO 14496-12) of one video track: an initialisation segment for a format, and one fragment per frame.
//
// [NewFragment] makes the bytes of a frame once, for all viewers: a head of [HeadSize] bytes, and the frame's NAL units. A viewer gets a copy of
// the head with its own times, see [SetTime], and the shared rest:
//
//	wire := fmp4.NewFragment(unit)
//	head := [fmp4.HeadSize]byte(wire)
//	fmp4.SetTime(head[:], sequence, decodeTime)
//	buffers := net.Buffers{head[:], wire[fmp4.HeadSize:]}
//
// The package is pure Go and uses only the standard library. Its functions are safe for concurrent use.
package fmp4
