// Package v4l2 finds the V4L2 capture devices of this machine. It says what they can do, or why they cannot be used and what
// would help. It also lists and sets their image controls.
//
// [List] and the functions for controls do not disturb a capture that is running. The number of queries to a driver is bounded, whatever
// the driver answers.
package v4l2

import "camd/pkg/camera"

// Device is a /dev/videoN node.
type Device struct {
	Path   string
	Stable string // the best link to it under /dev/v4l, which survives replugging; "" if there is none
	Driver string
	Card   string // the device's own name, for people
	Bus    string

	// Capture says that the device delivers pictures. If it cannot be opened, Capture says that it most likely does.
	Capture bool
	Role    string // what the device is if it is no capture device, such as the metadata node of a camera
	Formats []Format

	Problem camera.Reason // why the device cannot be used now; None if it can
	Detail  string        // what exactly went wrong
	Remedy  string        // what a person can do about it
	Holders []Holder      // the processes that have the device open, as far as this process can see them
}

// Usable reports whether the device can be captured from now.
func (d Device) Usable() bool { return d.Capture && d.Problem == camera.None }

// Holder is a process that has a device open.
type Holder struct {
	PID  int
	Name string
}

// Format is a pixel format that a device delivers.
type Format struct {
	FourCC      string // "MJPG"
	Description string // the driver's
	Compressed  bool
	Emulated    bool // converted in software, by the driver's library
	Sizes       []Size
}

// Name returns the name of the format in the configuration, such as "mjpeg" or "yuyv".
func (f Format) Name() string { return formatName(f.FourCC) }

// Size is a picture size, or the largest of a range.
type Size struct {
	Width, Height int
	Range         *Range // nil for a single size

	Rates []float64 // frames per second, highest first
	// Between says that every rate from the highest to the lowest of Rates is possible.
	Between bool
}

// Range is a range of sizes: from the smallest size up to that of Size, in steps.
type Range struct {
	MinWidth, MinHeight   int
	StepWidth, StepHeight int
}
