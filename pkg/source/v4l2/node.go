package v4l2

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// driver is an open device that can be queried.
type driver interface {
	capability() (capability, error)
	format(index, kind uint32) (formatDesc, error)
	frameSize(index, pixels uint32) (frameSize, error)
	interval(index, pixels, width, height uint32) (interval, error)
	busy(kind uint32) error // EBUSY while another program captures; only for the drivers in busyCheckDrivers
	Close()
}

// Node is an open device file.
type Node int

// OpenNode opens a device. Other programs may have it open at the same time. Its error is that of open(2).
func OpenNode(path string) (Node, error) {
	// For writing too, because capturing needs that permission.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	return Node(fd), err
}

// Close closes the device, and ends streaming that StartStreaming started.
func (n Node) Close() { _ = unix.Close(int(n)) }

// Captures reports whether the device captures video in single-planar formats, and whether it does in multi-planar ones.
func (n Node) Captures() (single, multi bool, err error) {
	c, err := n.capability()
	if err != nil {
		return false, false, err
	}
	caps := c.ofNode()
	return caps&capCapture != 0, caps&capCaptureMulti != 0, nil
}

// SetFormat asks for a single-planar format by its four characters, such as "BGR3". The driver may choose another one.
func (n Node) SetFormat(width, height int, fourCC string) error {
	f := pixelFormat{Kind: kindCapture}
	if err := ioctl(n, "VIDIOC_G_FMT", iocRead|iocWrite, getFormat, &f); err != nil {
		return err
	}
	f.Width, f.Height = uint32(width), uint32(height)
	copy(f.PixelFormat[:], fourCC)
	return ioctl(n, "VIDIOC_S_FMT", iocRead|iocWrite, setFormat, &f)
}

// StartStreaming starts streaming single-planar pictures in the present format into this many buffers of the driver. Its error is
// that of the driver.
func (n Node) StartStreaming(buffers int) error {
	r := requestBuffers{Count: uint32(buffers), Kind: kindCapture, Memory: memoryMap}
	if err := ioctl(n, "VIDIOC_REQBUFS", iocRead|iocWrite, reqBufs, &r); err != nil {
		return err
	}
	for i := range min(r.Count, maxBuffers) { // the driver may have changed Count
		b := buffer{Index: i, Kind: kindCapture, Memory: memoryMap}
		if err := ioctl(n, "VIDIOC_QBUF", iocRead|iocWrite, queueBuffer, &b); err != nil {
			return err
		}
	}
	kind := int32(kindCapture)
	return ioctl(n, "VIDIOC_STREAMON", iocWrite, streamOn, &kind)
}

// maxBuffers is VIDEO_MAX_FRAME of linux/videodev2.h.
const maxBuffers = 32

// ofNode returns the capabilities of the node itself. The field Capabilities has them only for old drivers. With newer ones, it
// has those of the whole camera, also in a metadata node.
func (c capability) ofNode() uint32 {
	if c.Capabilities&capHasDeviceCaps != 0 {
		return c.DeviceCaps
	}
	return c.Capabilities
}

// role returns the kind of buffers in which the node delivers pictures. If it delivers none, role returns 0 and what the node is.
func (c capability) role() (kind uint32, role string) {
	switch caps := c.ofNode(); {
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

// openDriver opens a device for queries.
func openDriver(path string) (driver, error) {
	n, err := OpenNode(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return n, nil
}

func (n Node) capability() (capability, error) {
	var c capability
	err := ioctl(n, "VIDIOC_QUERYCAP", iocRead, queryCap, &c)
	return c, err
}

func (n Node) format(index, kind uint32) (formatDesc, error) {
	f := formatDesc{Index: index, Kind: kind}
	err := ioctl(n, "VIDIOC_ENUM_FMT", iocRead|iocWrite, enumFormat, &f)
	return f, err
}

func (n Node) frameSize(index, pixels uint32) (frameSize, error) {
	f := frameSize{Index: index, PixelFormat: pixels}
	err := ioctl(n, "VIDIOC_ENUM_FRAMESIZES", iocRead|iocWrite, enumFrameSizes, &f)
	return f, err
}

func (n Node) interval(index, pixels, width, height uint32) (interval, error) {
	f := interval{Index: index, PixelFormat: pixels, Width: width, Height: height}
	err := ioctl(n, "VIDIOC_ENUM_FRAMEINTERVALS", iocRead|iocWrite, enumFrameIntervals, &f)
	return f, err
}

// busy requests zero buffers, which a driver refuses with EBUSY while another program has buffers.
func (n Node) busy(kind uint32) error {
	r := requestBuffers{Kind: kind, Memory: memoryMap}
	if err := ioctl(n, "VIDIOC_REQBUFS", iocRead|iocWrite, reqBufs, &r); errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}
