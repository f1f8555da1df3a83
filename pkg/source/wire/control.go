package wire

// SetControls asks for the source's image controls, once those in Set have been set. All are checked before any is.
type SetControls struct {
	Request uint32             `json:"request"` // from 1, and in the answer again
	Set     map[string]Setting `json:"set,omitempty"`
}

// Controls answers SetControls. A device that has been opened also sends one that answers nothing: Request is 0, and Refused
// says which of Start's settings it did not take.
type Controls struct {
	Request   uint32            `json:"request"`
	List      []Control         `json:"list,omitempty"`
	ErrorKind string            `json:"trouble,omitempty"` // a camera.ControlErrorKind; empty if all went well
	Detail    string            `json:"detail,omitempty"`  // for people
	Refused   map[string]string `json:"refused,omitempty"` // why, for people, by the control's name
}

// Control is a camera.Control.
type Control struct {
	Name     string           `json:"name"`
	Title    string           `json:"title"`
	Kind     string           `json:"kind"`
	Min      int64            `json:"min,omitempty"`
	Max      int64            `json:"max,omitempty"`
	Step     int64            `json:"step,omitempty"`
	Default  int64            `json:"default,omitempty"`
	Value    int64            `json:"value,omitempty"`
	HasValue bool             `json:"known,omitempty"`
	Menu     map[int64]string `json:"menu,omitempty"`
	ReadOnly bool             `json:"read_only,omitempty"`
	Inactive bool             `json:"inactive,omitempty"`
	Volatile bool             `json:"volatile,omitempty"`
}

// Setting is a camera.Setting.
type Setting struct {
	Kind   string `json:"kind"`
	Number int64  `json:"number,omitempty"`
	Text   string `json:"text,omitempty"`
}
