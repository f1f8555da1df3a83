package wire

import "camd/pkg/camera"

// SetControls asks for the source's image controls, once those in Set have been set. All are checked before any is.
type SetControls struct {
	Request uint32                    `json:"request"` // from 1, and in the answer again
	Set     map[string]camera.Setting `json:"set,omitempty"`
}

// Controls answers SetControls. A device that has been opened also sends one that answers nothing: Request is 0, and Refused
// says which of Start's settings it did not take.
type Controls struct {
	Request   uint32            `json:"request"`
	List      []camera.Control  `json:"list,omitempty"`
	ErrorKind string            `json:"trouble,omitempty"` // a camera.ControlErrorKind; empty if all went well
	Detail    string            `json:"detail,omitempty"`  // for people
	Refused   map[string]string `json:"refused,omitempty"` // why, for people, by the control's name
}
