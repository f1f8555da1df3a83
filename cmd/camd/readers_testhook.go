//go:build testhook

package main

import "strings"

// panicMark is in the source of a camera that crashes the readers process, for example in the query of its URL.
const panicMark = "testhook-panic"

// beforeFrame panics at the third frame of a source with panicMark, in the goroutine that reads the camera. No known fault of a camera has
// this effect, so the test needs this hook.
func beforeFrame(cameraID, source string, count uint64) {
	if count == 3 && strings.Contains(source, panicMark) {
		panic("test hook of camera " + cameraID)
	}
}
