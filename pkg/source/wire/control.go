package wire

import "camd/pkg/camera"

// SetControls sets the controls in Set, and then requests a list of all image controls. All settings are checked before one is set.
type SetControls struct {
	Request uint32                    `json:"request"` // from 1 on; the answer has the same number
	Set     map[string]camera.Setting `json:"set,omitempty"`
}

// Controls is the answer to SetControls. camd-capture also sends it once without a request, after it has opened a device: Request
// is then 0, and Refused has the settings of Start that the device did not take.
type Controls struct {
	Request   uint32            `json:"request"`
	List      []camera.Control  `json:"list,omitempty"`
	ErrorKind string            `json:"trouble,omitempty"` // a camera.ControlErrorKind; empty without an error
	Detail    string            `json:"detail,omitempty"`  // of the error, for people
	Refused   map[string]string `json:"refused,omitempty"` // the reason, for people, by the control's name
}
