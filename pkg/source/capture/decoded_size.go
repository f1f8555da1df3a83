package capture

// #cgo pkg-config: libavutil
// #cgo LDFLAGS: -ldl
// #include "decoded.h"
import "C"

import "image"

// decodedSize returns the size of the picture that FFmpeg decoded last on this thread. It returns zero if there was none, or if
// OpenCV does not call the function in decoded.c.
func decodedSize() image.Point {
	d := C.decoded_newest()
	return image.Pt(int(d.width), int(d.height))
}

// decodedTime returns the presentation time of the picture that FFmpeg decoded last on this thread, in the stream's units, and whether the
// decoder has found damage in it.
func decodedTime() (pts int64, isDamaged bool) {
	d := C.decoded_newest()
	return int64(d.time), d.damaged != 0
}

// withLowDelay calls open. Decoders that FFmpeg opens meanwhile return each picture as soon as they can. The caller's goroutine must
// be locked to its thread.
func withLowDelay(open func()) {
	C.decoded_set_low_delay(1)
	defer C.decoded_set_low_delay(0)
	open()
}
