package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// A C program has printed the expected numbers on amd64. Each contains the size of its structure.
func TestRequestNumbersMatchKernel(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the numbers are those of 64-bit machines")
	}
	const readWrite = iocRead | iocWrite
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"VIDIOC_QUERYCAP", requestNumber(iocRead, unsafe.Sizeof(capability{}), queryCap), 0x80685600},
		{"VIDIOC_ENUM_FMT", requestNumber(readWrite, unsafe.Sizeof(formatDesc{}), enumFormat), 0xc0405602},
		{"VIDIOC_G_FMT", requestNumber(readWrite, unsafe.Sizeof(pixelFormat{}), getFormat), 0xc0d05604},
		{"VIDIOC_S_FMT", requestNumber(readWrite, unsafe.Sizeof(pixelFormat{}), setFormat), 0xc0d05605},
		{"VIDIOC_REQBUFS", requestNumber(readWrite, unsafe.Sizeof(requestBuffers{}), reqBufs), 0xc0145608},
		{"VIDIOC_QBUF", requestNumber(readWrite, unsafe.Sizeof(buffer{}), queueBuffer), 0xc058560f},
		{"VIDIOC_STREAMON", requestNumber(iocWrite, unsafe.Sizeof(int32(0)), streamOn), 0x40045612},
		{"VIDIOC_QUERYMENU", requestNumber(readWrite, unsafe.Sizeof(menuItem{}), queryMenu), 0xc02c5625},
		{"VIDIOC_G_EXT_CTRLS", requestNumber(readWrite, unsafe.Sizeof(extControls{}), getExtControls), 0xc0205647},
		{"VIDIOC_S_EXT_CTRLS", requestNumber(readWrite, unsafe.Sizeof(extControls{}), setExtControls), 0xc0205648},
		{"VIDIOC_ENUM_FRAMESIZES", requestNumber(readWrite, unsafe.Sizeof(frameSize{}), enumFrameSizes), 0xc02c564a},
		{"VIDIOC_ENUM_FRAMEINTERVALS", requestNumber(readWrite, unsafe.Sizeof(interval{}), enumFrameIntervals), 0xc034564b},
		{"VIDIOC_QUERY_EXT_CTRL", requestNumber(readWrite, unsafe.Sizeof(queryControl{}), queryExtControl), 0xc0e85667},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, c.got, c.want)
		}
	}
	if s := unsafe.Sizeof(extControl{}); s != 20 { // no request number contains this size
		t.Errorf("v4l2_ext_control: got %d bytes, want 20", s)
	}
}

func TestFieldOffsetsMatchKernel(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the offsets are those of 64-bit machines")
	}
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"v4l2_capability.capabilities", unsafe.Offsetof(capability{}.Capabilities), 84},
		{"v4l2_capability.device_caps", unsafe.Offsetof(capability{}.DeviceCaps), 88},
		{"v4l2_format.fmt.pix.width", unsafe.Offsetof(pixelFormat{}.Width), 8},
		{"v4l2_format.fmt.pix.pixelformat", unsafe.Offsetof(pixelFormat{}.PixelFormat), 16},
		{"v4l2_buffer.timestamp", unsafe.Offsetof(buffer{}.Timestamp), 24},
		{"v4l2_buffer.memory", unsafe.Offsetof(buffer{}.Memory), 60},
		{"v4l2_buffer.m", unsafe.Offsetof(buffer{}.Location), 64},
		{"v4l2_buffer.length", unsafe.Offsetof(buffer{}.Length), 72},
		{"v4l2_query_ext_ctrl.flags", unsafe.Offsetof(queryControl{}.Flags), 72},
	} {
		if c.got != c.want {
			t.Errorf("%s: got offset %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestNodeReportsRefusedRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := OpenNode(path)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	_, _, captureErr := n.Captures()
	for want, err := range map[string]error{
		"VIDIOC_QUERYCAP: inappropriate ioctl for device": captureErr,
		"VIDIOC_G_FMT: inappropriate ioctl for device":    n.SetFormat(640, 480, "BGR3"),
		"VIDIOC_REQBUFS: inappropriate ioctl for device":  n.StartStreaming(4),
	} {
		if err == nil || err.Error() != want || !errors.Is(err, syscall.ENOTTY) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
