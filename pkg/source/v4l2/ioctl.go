package v4l2

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The numbers of the ioctls in linux/videodev2.h. Each is described on the page below
// https://docs.kernel.org/userspace-api/media/v4l/ that its comment names. The structures are in the order of these pages.
const (
	queryCap           = 0   // vidioc-querycap
	enumFormat         = 2   // vidioc-enum-fmt
	getFormat          = 4   // vidioc-g-fmt
	setFormat          = 5   // vidioc-g-fmt
	reqBufs            = 8   // vidioc-reqbufs
	queueBuffer        = 15  // vidioc-qbuf
	streamOn           = 18  // vidioc-streamon
	queryMenu          = 37  // vidioc-queryctrl
	getExtControls     = 71  // vidioc-g-ext-ctrls
	setExtControls     = 72  // vidioc-g-ext-ctrls
	enumFrameSizes     = 74  // vidioc-enum-framesizes
	enumFrameIntervals = 75  // vidioc-enum-frameintervals
	queryExtControl    = 103 // vidioc-queryctrl
)

// The structures of linux/videodev2.h, field by field. Those for controls are in control_ioctl.go.
type (
	capability struct { // v4l2_capability
		Driver       [16]byte
		Card         [32]byte
		Bus          [32]byte
		Version      uint32
		Capabilities uint32 // of the whole device
		DeviceCaps   uint32 // of this node
		_            [3]uint32
	}
	formatDesc struct { // v4l2_fmtdesc
		Index, Kind uint32
		Flags       uint32
		Description [32]byte
		PixelFormat uint32
		_           [4]uint32
	}
	pixelFormat struct { // v4l2_format, of a single-planar kind
		Kind          uint32
		_             [0]uintptr // the rest is a union with pointers in it
		Width, Height uint32
		PixelFormat   [4]byte
		_             [188]byte
	}
	requestBuffers struct { // v4l2_requestbuffers
		Count, Kind, Memory uint32
		_                   [2]uint32
	}
	buffer struct { // v4l2_buffer
		Index, Kind, BytesUsed, Flags, Field uint32
		Timestamp                            unix.Timeval
		Timecode                             [4]uint32
		Sequence, Memory                     uint32
		Location                             uintptr // a union
		Length, _, RequestFD                 uint32
	}
	frameSize struct { // v4l2_frmsizeenum; U is a union
		Index, PixelFormat uint32
		Type               uint32
		U                  [6]uint32
		_                  [2]uint32
	}
	interval struct { // v4l2_frmivalenum; U is a union
		Index, PixelFormat uint32
		Width, Height      uint32
		Type               uint32
		U                  [6]uint32
		_                  [2]uint32
	}
)

// Capabilities: the table "Device Capabilities Flags" of vidioc-querycap.
const (
	capCapture       = 0x00000001                                        // V4L2_CAP_VIDEO_CAPTURE
	capOutput        = 0x00000002                                        // V4L2_CAP_VIDEO_OUTPUT
	capVBI           = 0x00000010 | 0x00000020 | 0x00000040 | 0x00000080 // V4L2_CAP_[SLICED_]VBI_CAPTURE and _OUTPUT
	capCaptureMulti  = 0x00001000                                        // V4L2_CAP_VIDEO_CAPTURE_MPLANE
	capOutputMulti   = 0x00002000                                        // V4L2_CAP_VIDEO_OUTPUT_MPLANE
	capMemToMem      = 0x00004000 | 0x00008000                           // V4L2_CAP_VIDEO_M2M_MPLANE, V4L2_CAP_VIDEO_M2M
	capRadio         = 0x00040000                                        // V4L2_CAP_RADIO
	capSDR           = 0x00100000 | 0x00400000                           // V4L2_CAP_SDR_CAPTURE and _OUTPUT
	capMetaCapture   = 0x00800000                                        // V4L2_CAP_META_CAPTURE
	capMetaOutput    = 0x08000000                                        // V4L2_CAP_META_OUTPUT
	capTouch         = 0x10000000                                        // V4L2_CAP_TOUCH
	capHasDeviceCaps = 0x80000000                                        // V4L2_CAP_DEVICE_CAPS
)

const (
	kindCapture      = 1 // V4L2_BUF_TYPE_VIDEO_CAPTURE, enum v4l2_buf_type of buffer.html
	kindCaptureMulti = 9 // V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE, the same for pictures in several planes

	memoryMap = 1 // V4L2_MEMORY_MMAP, enum v4l2_memory of buffer.html

	flagCompressed = 1 // V4L2_FMT_FLAG_COMPRESSED of vidioc-enum-fmt
	flagEmulated   = 2 // V4L2_FMT_FLAG_EMULATED of vidioc-enum-fmt

	// V4L2_FRMSIZE_TYPE_DISCRETE of vidioc-enum-framesizes and V4L2_FRMIVAL_TYPE_DISCRETE of vidioc-enum-frameintervals;
	// 2 is continuous, 3 stepwise.
	discrete = 1
)

// Directions of asm-generic/ioctl.h.
const (
	iocWrite = 1
	iocRead  = 2
)

// ioctl calls a V4L2 ioctl with arg, whose size is a part of the request number. The error contains name.
func ioctl[T any](n Node, name string, direction, number uintptr, arg *T) error {
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

// requestNumber returns the number of a V4L2 ioctl, as the macro _IOC of asm-generic/ioctl.h does.
func requestNumber(direction, size, number uintptr) uintptr {
	return direction<<30 | size<<16 | 'V'<<8 | number
}
