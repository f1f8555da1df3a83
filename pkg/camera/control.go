package camera

import (
	"fmt"
	"strconv"
	"strings"
)

// Control is something about the picture that can be adjusted at the camera: its brightness, its exposure. Capture processes send it as
// JSON.
type Control struct {
	Name     string           `json:"name"`  // "power_line_frequency", as v4l2-ctl has it
	Title    string           `json:"title"` // the driver's name for it, for people
	Kind     string           `json:"kind"`  // one of those below
	Min      int64            `json:"min,omitempty"`
	Max      int64            `json:"max,omitempty"`
	Step     int64            `json:"step,omitempty"`
	Default  int64            `json:"default,omitempty"`
	Value    int64            `json:"value,omitempty"`
	HasValue bool             `json:"known,omitempty"` // Value has been read; a button has none
	Menu     map[int64]string `json:"menu,omitempty"`  // of menus: the values that it may have, and what they say

	ReadOnly bool `json:"read_only,omitempty"`
	Inactive bool `json:"inactive,omitempty"` // another control, such as an automatic, decides at present
	Volatile bool `json:"volatile,omitempty"` // its value changes by itself
}

// ControlName makes a control's name of the driver's title for it as v4l2-ctl does: "power_line_frequency" of "Power Line Frequency".
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
	Button      = "button"       // does something when it is set to 1
)

// Setting is what a control is to be set to, in the words of whoever wants it.
type Setting struct {
	Kind   string `json:"kind"`             // KindNumber, KindSwitch or KindText
	Number int64  `json:"number,omitempty"` // of a number; of a switch 0 or 1
	Text   string `json:"text,omitempty"`   // of a text
}

// Kinds of settings.
const (
	KindNumber = "number" // also a menu's value
	KindSwitch = "switch"
	KindText   = "text" // what an item of a menu says
)

// NumberSetting is a setting by number.
func NumberSetting(n int64) Setting { return Setting{Kind: KindNumber, Number: n} }

// SwitchSetting is a setting to true or false.
func SwitchSetting(on bool) Setting {
	s := Setting{Kind: KindSwitch}
	if on {
		s.Number = 1
	}
	return s
}

// TextSetting is a setting by the text of a menu's item.
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
	NoControls      ControlErrorKind = "no_controls" // this source has none
	NotOpen         ControlErrorKind = "not_open"    // the camera is not open at present
	CameraPaused    ControlErrorKind = "paused"      // a person has switched the camera off
	BadSetting      ControlErrorKind = "bad_setting" // there is no such control, or it takes no such value; none was changed
	SettingRefused  ControlErrorKind = "refused"     // the device did not take it, or could not be asked; none stays changed
	ControlsTimeout ControlErrorKind = "timeout"     // the driver does not answer
)

// ControlError is why controls cannot be listed or set.
type ControlError struct {
	Kind   ControlErrorKind
	Detail string // for people
}

func (e *ControlError) Error() string { return e.Detail }

// ControlErrorf returns a *ControlError.
func ControlErrorf(kind ControlErrorKind, format string, args ...any) *ControlError {
	return &ControlError{kind, fmt.Sprintf(format, args...)}
}
