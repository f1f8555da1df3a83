// Package v4l2 finds the V4L2 capture devices of this machine and says what they can do, or why they cannot be used and
// what would help. It also lists and sets their image controls.
//
// Looking does not disturb: a device is opened, asked and closed, which a running capture does not notice. Whatever a
// driver answers, the number of questions is bounded.
package v4l2

import "camd/pkg/camera"

// Device is a /dev/videoN node.
type Device struct {
	Path   string
	Stable string // the best link to it under /dev/v4l, which survives replugging; "" if there is none
	Driver string
	Card   string // the device's own name, for people
	Bus    string

	// Capture says that it delivers pictures; where it cannot be opened, that it most likely does. Otherwise Role says
	// what it is: cameras have metadata nodes beside them.
	Capture bool
	Role    string
	Formats []Format

	Problem camera.Reason // why it cannot be used now; None if it can
	Detail  string        // what exactly went wrong
	Remedy  string        // what a person can do about it
	Holders []Holder      // who has it open, as far as this process may see
}

// Usable reports whether it delivers pictures to whoever opens it now.
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

// Name is the format as the configuration names it: "mjpeg", "yuyv".
func (f Format) Name() string { return formatName(f.FourCC) }

// Size is a picture size, or the largest of a range.
type Size struct {
	Width, Height int
	Range         *Range // nil for a single size

	Rates []float64 // frames per second, highest first
	// Between says that any rate from the highest to the lowest of Rates will do.
	Between bool
}

// Range is a range of sizes from the least up to Size, in steps.
type Range struct {
	MinWidth, MinHeight   int
	StepWidth, StepHeight int
}
