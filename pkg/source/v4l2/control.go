package v4l2

import (
	"encoding/binary"
	"errors"
	"slices"
	"syscall"

	"camd/pkg/camera"
)

// Limits on what a driver may list, so that the controls fit into a message to camd. A usual camera has twenty controls.
const (
	maxControls  = 96
	maxMenuItems = 384 // of all menus together
)

// controlDriver is a device with controls.
type controlDriver interface {
	query(after uint32) (queryControl, error) // the control that comes after that id
	menuItem(id, index uint32) (menuItem, error)
	value(id uint32) ([8]byte, error)
	setValue(id uint32, value [8]byte) error
}

// control is a control with the values that the driver needs for it.
type control struct {
	camera.Control
	id      uint32
	is64Bit bool // its value has 64 bits
}

// listControls returns the controls that a person can use. Its error is a *camera.ControlError.
func listControls(t controlDriver) ([]control, error) {
	var all []control
	items := maxMenuItems
	for id, queries := uint32(0), 0; queries < maxQueries && len(all) < maxControls; queries++ {
		q, err := t.query(id)
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTTY) || err == nil && q.ID <= id {
			break // the end of the list, or none
		}
		if err != nil {
			return nil, camera.ControlErrorf(camera.SettingRefused, "cannot list the controls of the device: %v", err)
		}
		id = q.ID
		kind := q.kind()
		if kind == "" {
			continue
		}
		title := cString(q.Name[:])
		c := control{id: id, is64Bit: q.Type == typeInteger64, Control: camera.Control{
			Name: camera.ControlName(title), Title: title, Kind: kind,
			Min: q.Min, Max: q.Max, Step: int64(q.Step), Default: q.Default,
			ReadOnly: q.Flags&flagReadOnly != 0, Inactive: q.Flags&flagInactive != 0, Volatile: q.Flags&flagVolatile != 0,
		}}
		if kind == camera.Menu || kind == camera.IntegerMenu {
			c.Menu = readMenu(t, q, &items)
		}
		c.readValue(t, q.Flags)
		if c.Name != "" && !slices.ContainsFunc(all, func(o control) bool { return o.Name == c.Name }) {
			all = append(all, c)
		}
	}
	return all, nil
}

// kind returns the control's kind. It returns "" if the control is of another class than the picture and the lens, disabled by
// its driver, or of a type without a plain value.
func (q *queryControl) kind() string {
	class := q.ID & classMask
	if class != classUser && class != classCamera || q.Flags&(flagDisabled|flagPayload) != 0 {
		return ""
	}
	return map[uint32]string{
		typeInteger: camera.Integer, typeInteger64: camera.Integer, typeBoolean: camera.Boolean,
		typeMenu: camera.Menu, typeIntegerMenu: camera.IntegerMenu, typeButton: camera.Button,
	}[q.Type]
}

// readMenu returns the items of a menu. Drivers leave out items that a device does not support. left is how many items may still
// be queried.
func readMenu(t controlDriver, q queryControl, left *int) map[int64]string {
	items := map[int64]string{}
	for i := max(q.Min, 0); i <= q.Max && *left > 0; i++ {
		*left--
		item, err := t.menuItem(q.ID, uint32(i))
		if err != nil {
			continue
		}
		if items[i] = cString(item.Name[:]); q.Type == typeIntegerMenu {
			items[i] = item.number()
		}
	}
	return items
}

// readValue reads the control's value from the driver, if it has one.
func (c *control) readValue(t controlDriver, flags uint32) {
	if flags&flagWriteOnly != 0 || c.Kind == camera.Button {
		return
	}
	b, err := t.value(c.id)
	if err != nil {
		return
	}
	c.HasValue = true
	if c.is64Bit {
		c.Value = int64(binary.NativeEndian.Uint64(b[:]))
	} else {
		c.Value = int64(int32(binary.NativeEndian.Uint32(b[:])))
	}
}

// writeValue sets the control's value at the driver.
func (c *control) writeValue(t controlDriver, value int64) error {
	var b [8]byte
	if c.is64Bit {
		binary.NativeEndian.PutUint64(b[:], uint64(value))
	} else {
		binary.NativeEndian.PutUint32(b[:], uint32(value))
	}
	return t.setValue(c.id, b)
}
