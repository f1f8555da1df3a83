package camera

import (
	"fmt"
	"strconv"
)

// Control is something about the picture that can be adjusted at the camera: its brightness, its exposure.
type Control struct {
	Name    string // "power_line_frequency", as v4l2-ctl has it
	Title   string // the driver's name for it, for people
	Kind    string // one of those below
	Min     int64
	Max     int64
	Step    int64
	Default int64
	Value   int64
	Known   bool             // Value has been read; a button has none
	Menu    map[int64]string // of menus: the values that it may have, and what they say

	ReadOnly bool
	Inactive bool // another control, such as an automatic, decides at present
	Volatile bool // its value changes by itself
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
	Kind   string // SetNumber, SetSwitch or SetText
	Number int64  // of a number; of a switch 0 or 1
	Text   string // of a text
}

// Kinds of settings.
const (
	SetNumber = "number" // also a menu's value
	SetSwitch = "switch"
	SetText   = "text" // what an item of a menu says
)

// Number is a setting by number.
func Number(n int64) Setting { return Setting{Kind: SetNumber, Number: n} }

// Switch is a setting to true or false.
func Switch(on bool) Setting {
	s := Setting{Kind: SetSwitch}
	if on {
		s.Number = 1
	}
	return s
}

// Text is a setting by the text of a menu's item.
func Text(s string) Setting { return Setting{Kind: SetText, Text: s} }

func (s Setting) String() string {
	switch s.Kind {
	case SetSwitch:
		return strconv.FormatBool(s.Number == 1)
	case SetText:
		return strconv.Quote(s.Text)
	}
	return strconv.FormatInt(s.Number, 10)
}

// ControlTrouble is the kind of a ControlError.
type ControlTrouble string

const (
	NoControls      ControlTrouble = "no_controls" // this source has none
	NotOpen         ControlTrouble = "not_open"    // the camera is not open at present
	SwitchedOff     ControlTrouble = "paused"      // a person has switched the camera off
	BadSetting      ControlTrouble = "bad_setting" // there is no such control, or it takes no such value; none was changed
	SettingRefused  ControlTrouble = "refused"     // the device did not take it, or could not be asked; none stays changed
	ControlsTimeout ControlTrouble = "timeout"     // the driver does not answer
)

// ControlError is why controls cannot be listed or set.
type ControlError struct {
	Trouble ControlTrouble
	Detail  string // for people
}

func (e *ControlError) Error() string { return e.Detail }

// ControlErrorf returns a *ControlError.
func ControlErrorf(trouble ControlTrouble, format string, args ...any) *ControlError {
	return &ControlError{trouble, fmt.Sprintf(format, args...)}
}
