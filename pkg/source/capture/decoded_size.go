package capture

// #cgo pkg-config: libavutil
// #cgo LDFLAGS: -ldl
// #include "decoded.h"
import "C"

import "image"

// decodedSize returns the size of the picture that FFmpeg decoded last on this thread, or zero if it has not yet, or does it
// where nobody can see it.
func decodedSize() image.Point {
	d := C.decoded_newest()
	return image.Pt(int(d.width), int(d.height))
}
