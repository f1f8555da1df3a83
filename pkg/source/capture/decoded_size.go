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
