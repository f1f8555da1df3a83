package capture

import (
	"errors"

	"golang.org/x/sys/unix"

	"camd/pkg/camera"
	"camd/pkg/source/v4l2"
)

// openCVBuffers is how many buffers OpenCV asks a driver for.
const openCVBuffers = 4

// openNode opens a device and checks that it is a camera that OpenCV can read. It queries the device first, because all failures of
// OpenCV look the same.
func openNode(path string) (v4l2.Node, error) {
	n, err := v4l2.OpenNode(path)
	if err != nil {
		return -1, nodeFailure(path, err)
	}
	if err := checkNode(n, path); err != nil {
		n.Close()
		return -1, err
	}
	return n, nil
}

func nodeFailure(path string, err error) *failure {
	switch {
	case errors.Is(err, unix.ENOENT):
		return newFailure(camera.NoDevice, "%s does not exist: run camd devices to list the cameras", path)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return newFailure(camera.NoDevice, "the device of %s is gone: plug it in again", path)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return newFailure(camera.Permission, "permission denied for %s: add camd's user to its group, usually video", path)
	case errors.Is(err, unix.EBUSY):
		return newFailure(camera.Busy, "%s is busy: run fuser -v %s to find the program", path, path)
	}
	return newFailure(camera.NotACamera, "open %s: %v", path, err)
}

func checkNode(n v4l2.Node, path string) error {
	single, multi, err := n.Captures()
	switch {
	case errors.Is(err, unix.ENODEV):
		return nodeFailure(path, err)
	case err != nil:
		return newFailure(camera.NotACamera, "%s is not a V4L2 device", path)
	case single:
		return nil
	case multi:
		return newFailure(camera.NotACamera, "%s has only multi-planar formats, which OpenCV cannot read", path)
	}
	return newFailure(camera.NotACamera, "%s does not capture video: choose another device from camd devices. A loopback device captures only while a program writes to it", path)
}

// streamFailure returns the failure for a driver's error on streaming, or nil if the error does not show the cause.
func streamFailure(path string, err error) *failure {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return newFailure(camera.Bandwidth, "not enough bandwidth for %s at this size and rate: "+
			"choose a smaller size or rate, format: mjpeg, or another USB port", path)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return nodeFailure(path, err)
	case errors.Is(err, unix.ENOMEM):
		return newFailure(camera.BadStream, "the driver has no memory for the pictures of %s: choose a smaller size", path)
	}
	return nil
}
