package broker

import "time"

// Frame is one encoded picture as its readers share it. It must not be modified after Publish.
type Frame struct {
	// Seq is the frame's number in its topic, from 1 and without gaps. Publish sets it.
	Seq uint64
	// Captured is when the picture was taken, with a monotonic reading, so that time.Since is its true age.
	Captured time.Time
	// Width and Height are the picture's size in pixels.
	Width, Height int
	// Placeholder marks a picture that camd drew because the camera has none to show.
	Placeholder bool
	// Part is the picture as a complete part of a multipart stream, ready to be written to a viewer as it is.
	Part []byte
	// JPEG is the picture alone; it aliases Part.
	JPEG []byte
}
