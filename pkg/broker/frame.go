package broker

import "time"

// Frame is one encoded picture, which all readers share. Do not modify it or its bytes after Publish.
type Frame struct {
	// Seq is the frame's number in its topic, from 1 and without gaps. Publish sets it.
	Seq uint64
	// Captured is when the picture was taken. It has a monotonic reading, so time.Since returns the picture's age.
	Captured time.Time
	// Width and Height are the picture's size in pixels.
	Width, Height int
	// Placeholder marks a picture that camd drew because the camera has none.
	Placeholder bool
	// Part is the picture as a complete part of a multipart stream, ready to be written to a viewer as it is.
	Part []byte
	// JPEG is the picture alone; it aliases Part.
	JPEG []byte
}
