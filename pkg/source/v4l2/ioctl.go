package v4l2

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// driver is a device that can be asked.
type driver interface {
	capability() (capability, error)
	format(index, kind uint32) (formatDesc, error)
	frameSize(index, pixels uint32) (frameSize, error)
	interval(index, pixels, width, height uint32) (interval, error)
	busy(kind uint32) error // EBUSY while somebody captures; only for the drivers in busyCheckDrivers
	close()
}

// The structures of linux/videodev2.h, field by field; unions are arrays of 32-bit words, which is what they hold.
type (
	capability struct {
		Driver       [16]byte
		Card         [32]byte
		Bus          [32]byte
		Version      uint32
		Capabilities uint32 // of the whole device
		DeviceCaps   uint32 // of this node
		_            [3]uint32
	}
	formatDesc struct {
		Index, Kind uint32
		Flags       uint32
		Description [32]byte
		PixelFormat uint32
		_           [4]uint32
	}
	frameSize struct {
		Index, PixelFormat uint32
		Type               uint32
		U                  [6]uint32
		_                  [2]uint32
	}
	interval struct {
		Index, PixelFormat uint32
		Width, Height      uint32
		Type               uint32
		U                  [6]uint32
		_                  [2]uint32
	}
	requestBuffers struct {
		Count, Kind, Memory uint32
		_                   [2]uint32
	}
)

// Numbers of linux/videodev2.h.
const (
	capCapture       = 0x00000001
	capOutput        = 0x00000002
	capVBI           = 0x00000010 | 0x00000020 | 0x00000040 | 0x00000080
	capCaptureMulti  = 0x00001000
	capOutputMulti   = 0x00002000
	capMemToMem      = 0x00004000 | 0x00008000 // memory to memory
	capRadio         = 0x00040000
	capSDR           = 0x00100000 | 0x00400000
	capMetaCapture   = 0x00800000
	capMetaOutput    = 0x08000000
	capTouch         = 0x10000000
	capHasDeviceCaps = 0x80000000

	kindCapture      = 1 // V4L2_BUF_TYPE_VIDEO_CAPTURE
	kindCaptureMulti = 9 // the same, of pictures in several planes

	flagCompressed = 1
	flagEmulated   = 2
	discrete       = 1 // of sizes and intervals; 2 is continuous, 3 stepwise
	memoryMap      = 1
)

// role returns the kind of buffers in which the node delivers pictures, or 0 and what it is instead.
func (c capability) role() (kind uint32, role string) {
	// Capabilities would do for old drivers only: it says of a metadata node what the camera beside it can.
	caps := c.Capabilities
	if caps&capHasDeviceCaps != 0 {
		caps = c.DeviceCaps
	}
	switch {
	case caps&capMemToMem != 0:
		return 0, "codec"
	case caps&capTouch != 0:
		return 0, "touch panel"
	case caps&capCapture != 0:
		return kindCapture, ""
	case caps&capCaptureMulti != 0:
		return kindCaptureMulti, ""
	case caps&(capMetaCapture|capMetaOutput) != 0:
		return 0, "metadata"
	case caps&(capOutput|capOutputMulti) != 0:
		return 0, "output"
	case caps&capVBI != 0:
		return 0, "teletext"
	case caps&(capRadio|capSDR) != 0:
		return 0, "radio"
	}
	return 0, "not for pictures"
}

// node is an open device file.
type node int

func openNode(path string) (driver, error) {
	// For writing too: that is the permission which capturing takes.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return node(fd), nil
}

func (n node) close() { unix.Close(int(n)) }

func (n node) capability() (capability, error) {
	var c capability
	err := ioctl(n, "VIDIOC_QUERYCAP", iocRead, 0, &c)
	return c, err
}

func (n node) format(index, kind uint32) (formatDesc, error) {
	f := formatDesc{Index: index, Kind: kind}
	err := ioctl(n, "VIDIOC_ENUM_FMT", iocRead|iocWrite, 2, &f)
	return f, err
}

func (n node) frameSize(index, pixels uint32) (frameSize, error) {
	f := frameSize{Index: index, PixelFormat: pixels}
	err := ioctl(n, "VIDIOC_ENUM_FRAMESIZES", iocRead|iocWrite, 74, &f)
	return f, err
}

func (n node) interval(index, pixels, width, height uint32) (interval, error) {
	f := interval{Index: index, PixelFormat: pixels, Width: width, Height: height}
	err := ioctl(n, "VIDIOC_ENUM_FRAMEINTERVALS", iocRead|iocWrite, 75, &f)
	return f, err
}

// busy asks for no buffers at all, which a driver refuses while another has some.
func (n node) busy(kind uint32) error {
	r := requestBuffers{Kind: kind, Memory: memoryMap}
	if err := ioctl(n, "VIDIOC_REQBUFS", iocRead|iocWrite, 8, &r); errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}

// Directions of asm-generic/ioctl.h.
const (
	iocWrite = 1
	iocRead  = 2
)

// ioctl does an ioctl of V4L2 with arg, whose size is part of the request's number.
func ioctl[T any](n node, name string, direction, number uintptr, arg *T) error {
	request := requestNumber(direction, unsafe.Sizeof(*arg), number)
	for range 10 {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(n), request, uintptr(unsafe.Pointer(arg)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR: // the runtime's preemption signal
			continue
		}
		return fmt.Errorf("%s: %w", name, errno)
	}
	return fmt.Errorf("%s: %w", name, unix.EINTR)
}

func requestNumber(direction, size, number uintptr) uintptr {
	return direction<<30 | size<<16 | 'V'<<8 | number
}
