package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	condition "camd/pkg/camera"
)

// ioctls and flags of linux/videodev2.h.
const (
	vidiocQueryCap = 0x80685600 // _IOR('V', 0, struct v4l2_capability)
	vidiocGetFmt   = 0xc0d05604 // _IOWR('V', 4, struct v4l2_format)
	vidiocSetFmt   = 0xc0d05605 // _IOWR('V', 5, struct v4l2_format)
	vidiocReqBufs  = 0xc0145608 // _IOWR('V', 8, struct v4l2_requestbuffers)

	capVideoCapture       = 0x1
	capVideoCaptureMPlane = 0x1000
	capDeviceCaps         = 0x80000000
	bufTypeVideoCapture   = 1
	memoryMMap            = 1
)

// The structures by their size and the offsets of the fields that matter here.
const (
	sizeCapability  = 104
	atCapabilities  = 84
	atDeviceCaps    = 88
	sizeFormat      = 208
	atWidth         = 8
	atHeight        = 12
	atPixelFormat   = 16
	sizeReqBufs     = 20
	atReqBufsType   = 4
	atReqBufsMemory = 8
	atCapabilityEnd = atDeviceCaps + 4
)

// node is an open device file. OpenCV's failures all look the same, so the device is asked beforehand.
type node int

// openNode opens a device and checks that it is a camera that OpenCV can read.
func openNode(path string) (node, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, nodeFailure(path, err)
	}
	n := node(fd)
	if err := n.check(path); err != nil {
		n.close()
		return -1, err
	}
	return n, nil
}

func nodeFailure(path string, err error) *failure {
	switch {
	case errors.Is(err, unix.ENOENT):
		return fail(condition.NoDevice, "%s does not exist", path)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fail(condition.NoDevice, "%s has no device behind it", path)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fail(condition.Permission, "no permission to open %s; its group, usually video, has it", path)
	case errors.Is(err, unix.EBUSY):
		return fail(condition.Busy, "%s is in use by another program", path)
	}
	return fail(condition.NotACamera, "open %s: %v", path, err)
}

func (n node) close() { _ = unix.Close(int(n)) }

func (n node) check(path string) error {
	var answer [sizeCapability]byte
	if err := n.ioctl(vidiocQueryCap, answer[:]); err != nil {
		if errors.Is(err, unix.ENODEV) {
			return nodeFailure(path, err)
		}
		return fail(condition.NotACamera, "%s is not a V4L2 device", path)
	}
	caps := binary.NativeEndian.Uint32(answer[atCapabilities:])
	if caps&capDeviceCaps != 0 { // of this node, rather than of all the nodes of its device
		caps = binary.NativeEndian.Uint32(answer[atDeviceCaps:atCapabilityEnd])
	}
	switch {
	case caps&capVideoCapture != 0:
		return nil
	case caps&capVideoCaptureMPlane != 0:
		return fail(condition.NotACamera, "%s captures in multi-planar formats only, which OpenCV does not read", path)
	}
	return fail(condition.NotACamera, "%s offers no video capture (a loopback device does only while a program feeds it)", path)
}

// busy reports whether another program streams from the device: a format, or a buffer, is refused then. It asks for what
// OpenCV begins with, and is for after OpenCV's failure: some drivers refuse only a format other than the present one.
func (n node) busy() bool {
	var format [sizeFormat]byte
	binary.NativeEndian.PutUint32(format[:], bufTypeVideoCapture)
	err := n.ioctl(vidiocGetFmt, format[:])
	if err == nil {
		binary.NativeEndian.PutUint32(format[atWidth:], 640)
		binary.NativeEndian.PutUint32(format[atHeight:], 480)
		copy(format[atPixelFormat:], "BGR3")
		err = n.ioctl(vidiocSetFmt, format[:])
	}
	if errors.Is(err, unix.EBUSY) {
		return true
	}
	var buffers [sizeReqBufs]byte
	binary.NativeEndian.PutUint32(buffers[:], 1)
	binary.NativeEndian.PutUint32(buffers[atReqBufsType:], bufTypeVideoCapture)
	binary.NativeEndian.PutUint32(buffers[atReqBufsMemory:], memoryMMap)
	return errors.Is(n.ioctl(vidiocReqBufs, buffers[:]), unix.EBUSY)
}

func (n node) ioctl(request uintptr, arg []byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(n), request, uintptr(unsafe.Pointer(&arg[0])))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("ioctl: %w", errno)
		}
	}
}
