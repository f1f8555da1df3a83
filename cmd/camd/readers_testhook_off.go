//go:build !testhook

package main

// beforeFrame does nothing. In a camd that is built with the tag testhook, it crashes the readers process.
var beforeFrame func(cameraID, source string, count uint64)
