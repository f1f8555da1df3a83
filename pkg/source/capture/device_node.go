package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"camd/pkg/camera"
)

// ioctls and flags of linux/videodev2.h.
const (
	vidiocQueryCap = 0x80685600 // _IOR('V', 0, struct v4l2_capability)
	vidiocGetFmt   = 0xc0d05604 // _IOWR('V', 4, struct v4l2_format)
	vidiocSetFmt   = 0xc0d05605 // _IOWR('V', 5, struct v4l2_format)
	vidiocReqBufs  = 0xc0145608 // _IOWR('V', 8, struct v4l2_requestbuffers)
	vidiocQBuf     = 0xc058560f // _IOWR('V', 15, struct v4l2_buffer)
	vidiocStreamOn = 0x40045612 // _IOW('V', 18, int)

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
	sizeBuffer      = 88
	atBufferType    = 4
	atBufferMemory  = 60
	atCapabilityEnd = atDeviceCaps + 4
)

// deviceNode is an open device file. OpenCV's failures all look the same, so the device is asked beforehand.
type deviceNode int

// openNode opens a device and checks that it is a camera that OpenCV can read.
func openNode(path string) (deviceNode, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, nodeFailure(path, err)
	}
	n := deviceNode(fd)
	if err := n.check(path); err != nil {
		n.close()
		return -1, err
	}
	return n, nil
}

func nodeFailure(path string, err error) *failure {
	switch {
	case errors.Is(err, unix.ENOENT):
		return newFailure(camera.NoDevice, "%s does not exist", path)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return newFailure(camera.NoDevice, "%s has no device behind it", path)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return newFailure(camera.Permission, "no permission to open %s; its group, usually video, has it", path)
	case errors.Is(err, unix.EBUSY):
		return newFailure(camera.Busy, "%s is in use by another program", path)
	}
	return newFailure(camera.NotACamera, "open %s: %v", path, err)
}

func (n deviceNode) close() { _ = unix.Close(int(n)) }

func (n deviceNode) check(path string) error {
	var capability [sizeCapability]byte
	if err := n.ioctl(vidiocQueryCap, capability[:]); err != nil {
		if errors.Is(err, unix.ENODEV) {
			return nodeFailure(path, err)
		}
		return newFailure(camera.NotACamera, "%s is not a V4L2 device", path)
	}
	caps := binary.NativeEndian.Uint32(capability[atCapabilities:])
	if caps&capDeviceCaps != 0 { // of this node, rather than of all the nodes of its device
		caps = binary.NativeEndian.Uint32(capability[atDeviceCaps:atCapabilityEnd])
	}
	switch {
	case caps&capVideoCapture != 0:
		return nil
	case caps&capVideoCaptureMPlane != 0:
		return newFailure(camera.NotACamera, "%s captures in multi-planar formats only, which OpenCV does not read", path)
	}
	return newFailure(camera.NotACamera, "%s offers no video capture (a loopback device does only while a program feeds it)", path)
}

// setFormat asks for what OpenCV begins with: some drivers refuse a second program only a format other than the present.
func (n deviceNode) setFormat() error {
	var format [sizeFormat]byte
	binary.NativeEndian.PutUint32(format[:], bufTypeVideoCapture)
	if err := n.ioctl(vidiocGetFmt, format[:]); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(format[atWidth:], 640)
	binary.NativeEndian.PutUint32(format[atHeight:], 480)
	copy(format[atPixelFormat:], "BGR3")
	return n.ioctl(vidiocSetFmt, format[:])
}

// stream starts streaming in the present format, as OpenCV does, and returns what the driver has against it. Closing the
// node ends it.
func (n deviceNode) stream() error {
	var buffers [sizeReqBufs]byte
	binary.NativeEndian.PutUint32(buffers[:], 4)
	binary.NativeEndian.PutUint32(buffers[atReqBufsType:], bufTypeVideoCapture)
	binary.NativeEndian.PutUint32(buffers[atReqBufsMemory:], memoryMMap)
	if err := n.ioctl(vidiocReqBufs, buffers[:]); err != nil {
		return err
	}
	for i := range min(binary.NativeEndian.Uint32(buffers[:]), 32) {
		var buffer [sizeBuffer]byte
		binary.NativeEndian.PutUint32(buffer[:], i)
		binary.NativeEndian.PutUint32(buffer[atBufferType:], bufTypeVideoCapture)
		binary.NativeEndian.PutUint32(buffer[atBufferMemory:], memoryMMap)
		if err := n.ioctl(vidiocQBuf, buffer[:]); err != nil {
			return err
		}
	}
	var kind [4]byte
	binary.NativeEndian.PutUint32(kind[:], bufTypeVideoCapture)
	return n.ioctl(vidiocStreamOn, kind[:])
}

// streamFailure explains what a driver has against streaming; nil where it says nothing that helps.
func streamFailure(path string, err error) *failure {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return newFailure(camera.Bandwidth, "the USB bus has no bandwidth left for this size and rate of %s; "+
			"choose a smaller one, a compressed format (mjpeg) or another USB port", path)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return nodeFailure(path, err)
	case errors.Is(err, unix.ENOMEM):
		return newFailure(camera.BadStream, "the system has no memory for the pictures of %s", path)
	}
	return nil
}

func (n deviceNode) ioctl(request uintptr, arg []byte) error {
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
