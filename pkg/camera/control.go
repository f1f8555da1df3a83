package camera

import (
	"fmt"
	"strconv"
	"strings"
)

// Control is an image control of a device, such as brightness or exposure. Capture processes send it as JSON.
type Control struct {
	Name     string           `json:"name"`  // the name that v4l2-ctl uses, such as "power_line_frequency"
	Title    string           `json:"title"` // the driver's name, for people
	Kind     string           `json:"kind"`  // Integer, Boolean, Menu, IntegerMenu or Button
	Min      int64            `json:"min,omitempty"`
	Max      int64            `json:"max,omitempty"`
	Step     int64            `json:"step,omitempty"`
	Default  int64            `json:"default,omitempty"`
	Value    int64            `json:"value,omitempty"`
	HasValue bool             `json:"known,omitempty"` // Value has been read; always false for a button
	Menu     map[int64]string `json:"menu,omitempty"`  // menus: the text of each allowed value

	ReadOnly bool `json:"read_only,omitempty"`
	Inactive bool `json:"inactive,omitempty"` // has no effect at present, because another control such as an automatic mode is on
	Volatile bool `json:"volatile,omitempty"` // the value changes by itself
}

// ControlName returns the name of a control from the driver's title, as v4l2-ctl does: "power_line_frequency" from
// "Power Line Frequency".
func ControlName(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "_")
}

// Kinds of controls.
const (
	Integer     = "integer"
	Boolean     = "boolean" // 0 or 1
	Menu        = "menu"
	IntegerMenu = "integer_menu" // a menu of numbers
	Button      = "button"       // acts when it is set to 1
)

// Setting is the value to which a control is to be set, as the configuration or a client of the API gave it. Package v4l2 checks it
// against the control.
type Setting struct {
	Kind   string `json:"kind"`             // KindNumber, KindSwitch or KindText
	Number int64  `json:"number,omitempty"` // for KindNumber; for KindSwitch 0 or 1
	Text   string `json:"text,omitempty"`   // for KindText
}

// Kinds of settings.
const (
	KindNumber = "number" // also the value of a menu's item
	KindSwitch = "switch"
	KindText   = "text" // the text of a menu's item
)

// NumberSetting returns a setting to a number.
func NumberSetting(n int64) Setting { return Setting{Kind: KindNumber, Number: n} }

// SwitchSetting returns a setting to true or false.
func SwitchSetting(on bool) Setting {
	s := Setting{Kind: KindSwitch}
	if on {
		s.Number = 1
	}
	return s
}

// TextSetting returns a setting to the item of a menu that has this text.
func TextSetting(s string) Setting { return Setting{Kind: KindText, Text: s} }

func (s Setting) String() string {
	switch s.Kind {
	case KindSwitch:
		return strconv.FormatBool(s.Number == 1)
	case KindText:
		return strconv.Quote(s.Text)
	}
	return strconv.FormatInt(s.Number, 10)
}

// ControlErrorKind is the kind of a ControlError.
type ControlErrorKind string

const (
	NoControls      ControlErrorKind = "no_controls" // this source has no controls
	NotOpen         ControlErrorKind = "not_open"    // the camera is not open at present
	CameraPaused    ControlErrorKind = "paused"      // the camera is turned off
	BadSetting      ControlErrorKind = "bad_setting" // no such control, or a value that the control does not accept; nothing was changed
	SettingRefused  ControlErrorKind = "refused"     // the device refused a value or does not answer; controls that were changed before are changed back
	ControlsTimeout ControlErrorKind = "timeout"     // the driver does not answer in time
)

// ControlError says why controls cannot be listed or set.
type ControlError struct {
	Kind   ControlErrorKind
	Detail string // for people
}

func (e *ControlError) Error() string { return e.Detail }

// ControlErrorf returns a *ControlError with a formatted Detail.
func ControlErrorf(kind ControlErrorKind, format string, args ...any) *ControlError {
	return &ControlError{kind, fmt.Sprintf(format, args...)}
}
