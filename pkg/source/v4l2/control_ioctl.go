package v4l2

import (
	"encoding/binary"
	"strconv"
)

// The structures for controls of linux/videodev2.h. A value takes the first four of its eight bytes, or all of them.
type (
	queryControl struct { // v4l2_query_ext_ctrl
		ID, Type uint32
		Name     [32]byte
		Min, Max int64
		Step     uint64
		Default  int64
		Flags    uint32
		_, _, _  uint32 // size and number of elements, of arrays
		_        [4]uint32
		_        [32]uint32
	}
	menuItem struct { // v4l2_querymenu
		ID, Index uint32
		Name      [32]byte // of an integer menu: the number, in eight bytes
		_         uint32
	}
	extControl struct { // v4l2_ext_control
		ID, Size uint32
		_        uint32
		Value    [8]byte
	}
	extControls struct { // v4l2_ext_controls
		Which, Count, ErrorIndex uint32
		Request                  int32
		_                        uint32
		Values                   *extControl
	}
)

// Types of controls: enum v4l2_ctrl_type of vidioc-queryctrl.
const (
	typeInteger     = 1 // V4L2_CTRL_TYPE_INTEGER
	typeBoolean     = 2 // V4L2_CTRL_TYPE_BOOLEAN
	typeMenu        = 3 // V4L2_CTRL_TYPE_MENU
	typeButton      = 4 // V4L2_CTRL_TYPE_BUTTON
	typeInteger64   = 5 // V4L2_CTRL_TYPE_INTEGER64
	typeIntegerMenu = 9 // V4L2_CTRL_TYPE_INTEGER_MENU
)

// Flags of controls: the table "Control Flags" of vidioc-queryctrl.
const (
	flagDisabled  = 0x0001     // V4L2_CTRL_FLAG_DISABLED
	flagReadOnly  = 0x0004     // V4L2_CTRL_FLAG_READ_ONLY
	flagInactive  = 0x0010     // V4L2_CTRL_FLAG_INACTIVE
	flagWriteOnly = 0x0040     // V4L2_CTRL_FLAG_WRITE_ONLY
	flagVolatile  = 0x0080     // V4L2_CTRL_FLAG_VOLATILE
	flagPayload   = 0x0100     // V4L2_CTRL_FLAG_HAS_PAYLOAD
	flagNext      = 0x80000000 // V4L2_CTRL_FLAG_NEXT_CTRL in a query's id: the control after that
)

// Classes of controls, which are part of their ids: the table "Control classes" of vidioc-g-ext-ctrls.
const (
	classMask   = 0x0fff0000 // V4L2_CTRL_ID2CLASS of linux/videodev2.h
	classUser   = 0x00980000 // V4L2_CTRL_CLASS_USER: brightness and similar
	classCamera = 0x009a0000 // V4L2_CTRL_CLASS_CAMERA: exposure, focus, zoom
)

func (n Node) query(after uint32) (queryControl, error) {
	q := queryControl{ID: after | flagNext}
	err := ioctl(n, "VIDIOC_QUERY_EXT_CTRL", iocRead|iocWrite, queryExtControl, &q)
	return q, err
}

func (n Node) menuItem(id, index uint32) (menuItem, error) {
	m := menuItem{ID: id, Index: index}
	err := ioctl(n, "VIDIOC_QUERYMENU", iocRead|iocWrite, queryMenu, &m)
	return m, err
}

func (n Node) value(id uint32) ([8]byte, error) {
	v := extControl{ID: id}
	err := ioctl(n, "VIDIOC_G_EXT_CTRLS", iocRead|iocWrite, getExtControls, &extControls{Count: 1, Values: &v})
	return v.Value, err
}

func (n Node) setValue(id uint32, value [8]byte) error {
	v := extControl{ID: id, Value: value}
	return ioctl(n, "VIDIOC_S_EXT_CTRLS", iocRead|iocWrite, setExtControls, &extControls{Count: 1, Values: &v})
}

// number returns the text of an integer menu's item.
func (m *menuItem) number() string {
	return strconv.FormatInt(int64(binary.NativeEndian.Uint64(m.Name[:8])), 10)
}
