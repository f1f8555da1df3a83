package v4l2

import (
	"encoding/binary"
	"strconv"
)

// The structures for controls of linux/videodev2.h. A value stands in the first bytes of its eight: four of them, or all.
type (
	queryControl struct {
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
	menuItem struct {
		ID, Index uint32
		Name      [32]byte // of an integer menu: the number, in eight bytes
		_         uint32
	}
	extControl struct {
		ID, Size uint32
		_        uint32
		Value    [8]byte
	}
	extControls struct {
		Which, Count, ErrorIndex uint32
		Request                  int32
		_                        uint32
		Values                   *extControl
	}
)

// Numbers of linux/videodev2.h and linux/v4l2-controls.h.
const (
	typeInteger     = 1
	typeBoolean     = 2
	typeMenu        = 3
	typeButton      = 4
	typeInteger64   = 5
	typeIntegerMenu = 9

	flagDisabled  = 0x0001
	flagReadOnly  = 0x0004
	flagInactive  = 0x0010
	flagWriteOnly = 0x0040
	flagVolatile  = 0x0080
	flagPayload   = 0x0100
	flagNext      = 0x80000000 // in a query's id: the control after that

	classMask   = 0x0fff0000
	classUser   = 0x00980000 // brightness and its like
	classCamera = 0x009a0000 // exposure, focus, zoom
)

func (n node) query(after uint32) (queryControl, error) {
	q := queryControl{ID: after | flagNext}
	err := ioctl(n, "VIDIOC_QUERY_EXT_CTRL", iocRead|iocWrite, 103, &q)
	return q, err
}

func (n node) menuItem(id, index uint32) (menuItem, error) {
	m := menuItem{ID: id, Index: index}
	err := ioctl(n, "VIDIOC_QUERYMENU", iocRead|iocWrite, 37, &m)
	return m, err
}

func (n node) value(id uint32) ([8]byte, error) {
	v := extControl{ID: id}
	err := ioctl(n, "VIDIOC_G_EXT_CTRLS", iocRead|iocWrite, 71, &extControls{Count: 1, Values: &v})
	return v.Value, err
}

func (n node) setValue(id uint32, value [8]byte) error {
	v := extControl{ID: id, Value: value}
	return ioctl(n, "VIDIOC_S_EXT_CTRLS", iocRead|iocWrite, 72, &extControls{Count: 1, Values: &v})
}

// number is an integer menu's item.
func (m *menuItem) number() string {
	return strconv.FormatInt(int64(binary.NativeEndian.Uint64(m.Name[:8])), 10)
}
