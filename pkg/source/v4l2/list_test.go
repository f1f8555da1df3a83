package v4l2

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"camd/pkg/camera"
)

func TestListDescribesDevices(t *testing.T) {
	good := &fakeDriver{caps: capCapture, inUse: true}
	s := fakeMachine(t, map[string]any{"video10": &fakeDriver{caps: capMetaCapture}, "video2": good, "video3": syscall.EACCES, "video4": syscall.EPERM})
	got, err := s.list()
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return s.dev + "/" + name }
	holders := []Holder{{8, "camd-capture"}, {77, "ffmpeg"}}
	want := []Device{
		{
			Path: path("video2"), Stable: path("v4l/by-id/usb-cam-index0"), Driver: "vivid", Card: "Cam [31m:", Bus: "usb-1", Capture: true,
			Formats: []Format{
				{FourCC: "MJPG", Compressed: true, Sizes: []Size{
					{Width: 1280, Height: 960, Rates: []float64{30, 15000.0 / 1001}},
					{Width: 640, Height: 480, Rates: []float64{30, 15000.0 / 1001}},
				}},
				{FourCC: "Y16-BE", Sizes: []Size{{Width: 1920, Height: 1080, Range: &Range{16, 8, 2, 4}, Rates: []float64{60, 2}, Between: true}}},
			},
			Problem: camera.Busy, Detail: "VIDIOC_REQBUFS: device or resource busy",
			Remedy: "close camd-capture (process 8) or ffmpeg (process 77), which uses the device", Holders: holders,
		},
		{
			Path: path("video3"), Driver: "uvcvideo", Card: "Locked: Cam", Capture: true,
			Problem: camera.Permission, Detail: "open: permission denied",
		},
		{
			Path: path("video4"), Role: "probably metadata", Problem: camera.Permission, Detail: "open: operation not permitted",
			Remedy: "give camd access: docker run --device " + path("video4") + ", or DeviceAllow=" + path("video4") + " rw in the systemd unit",
		},
		{
			Path: path("video10"), Stable: path("v4l/by-path/pci-0-index1"), Driver: "vivid", Card: "Cam [31m:", Bus: "usb-1",
			Role: "metadata", Problem: camera.NotACamera,
		},
	}
	got[1].Remedy = "" // names the group of the test's user; see TestProblemsHaveRemedies
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("device %d:\ngot  %+v\nwant %+v", i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
	if !good.closed {
		t.Error("the device stays open")
	}
	if name := got[0].Formats[0].Name(); name != "mjpeg" {
		t.Errorf("got name %s, want mjpeg", name)
	}
}

func TestListIsBounded(t *testing.T) {
	f := &fakeDriver{caps: capCapture, endless: true}
	got, err := fakeMachine(t, map[string]any{"video0": f}).list()
	if err != nil || len(got) != 1 || !got[0].Usable() {
		t.Fatalf("got %d devices, %v, want one to use", len(got), err)
	}
	if f.queries > maxQueries {
		t.Errorf("%d queries, want at most %d", f.queries, maxQueries)
	}
}

// v4l2loopback takes the buffers away from its reader when another program asks whether the device is busy.
func TestListChecksBusyOnlyOnSafeDrivers(t *testing.T) {
	f := &fakeDriver{caps: capCapture, inUse: true, name: "v4l2 loopback"}
	got, err := fakeMachine(t, map[string]any{"video0": f}).list()
	if err != nil || len(got) != 1 || got[0].Problem != camera.None {
		t.Errorf("got %+v, %v, want no problem", got, err)
	}
}

func TestListIsEmptyWithoutDevices(t *testing.T) {
	if got, err := fakeMachine(t, nil).list(); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v, want none", got, err)
	}
	_, err := scanner{dev: "testdata/none"}.list()
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "list devices: ") {
		t.Errorf("got %v, want that there is no such folder", err)
	}
}

func TestRoleFollowsCapabilities(t *testing.T) {
	for _, c := range []struct {
		caps uint32
		kind uint32
		role string
	}{
		{capCapture, kindCapture, ""},
		{capCapture | capOutput, kindCapture, ""}, // v4l2loopback without exclusive_caps
		{capCaptureMulti, kindCaptureMulti, ""},
		{capMetaCapture, 0, "metadata"},
		{capMetaOutput, 0, "metadata"},
		{capOutput, 0, "output"},
		{capOutputMulti, 0, "output"},
		{0x00008000, 0, "codec"},
		{0x00004000 | capCaptureMulti, 0, "codec"},
		{capTouch | capCapture, 0, "touch panel"},
		{0x00000010, 0, "teletext"},
		{capRadio, 0, "radio"},
		{0, 0, "not for pictures"},
	} {
		kind, role := capability{Capabilities: capHasDeviceCaps | capCapture, DeviceCaps: c.caps}.role()
		if kind != c.kind || role != c.role {
			t.Errorf("%08x: got %d %q, want %d %q", c.caps, kind, role, c.kind, c.role)
		}
	}
	// Before Linux 3.4 a node had no capabilities of its own.
	if kind, _ := (capability{Capabilities: capCapture}).role(); kind != kindCapture {
		t.Errorf("got %d for an old driver, want %d", kind, kindCapture)
	}
}

func TestProblemsHaveRemedies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	for _, c := range []struct {
		mode fs.FileMode
		want string
	}{
		{0o660, "sudo usermod -aG "},
		{0o600, "give its group access: sudo chgrp video " + path},
	} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		d := Device{Path: path}
		d.setProblem(syscall.EACCES)
		if d.Problem != camera.Permission || !strings.HasPrefix(d.Remedy, c.want) {
			t.Errorf("%o: got %s, %q, want %q", c.mode, d.Problem, d.Remedy, c.want)
		}
	}
	for err, want := range map[error]camera.Reason{
		syscall.EBUSY: camera.Busy, syscall.ENOTTY: camera.NotACamera, syscall.ENODEV: camera.NoDevice,
		syscall.ENXIO: camera.NoDevice, syscall.EIO: camera.Disconnected,
	} {
		d := Device{}
		if d.setProblem(err); d.Problem != want {
			t.Errorf("%v: got %s, want %s", err, d.Problem, want)
		}
	}
}

// A file that is not a device is refused. This test uses the real system calls.
func TestListRejectsRegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	if _, err := openDriver(path); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v, want that there is no such file", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := Device{Path: path}
	scanner{sys: "none", open: openDriver}.examine(&d)
	if d.Problem != camera.NotACamera || d.Capture || d.Detail != "VIDIOC_QUERYCAP: inappropriate ioctl for device" {
		t.Errorf("got %+v, want not a camera", d)
	}
}

// On a machine with devices, each has a role or captures, and every capture device has formats.
func TestRealDevicesHaveFormats(t *testing.T) {
	devices, err := List()
	if err != nil || len(devices) == 0 {
		t.Skip("no V4L2 devices here:", err)
	}
	for _, d := range devices {
		t.Logf("%+v", d)
		if d.Capture == (d.Role != "") {
			t.Errorf("%s: got capture %v and role %q", d.Path, d.Capture, d.Role)
		}
		if d.Usable() && len(d.Formats) == 0 {
			t.Errorf("%s: no formats", d.Path)
		}
		if d.Problem == camera.Permission && d.Remedy == "" {
			t.Errorf("%s: no remedy", d.Path)
		}
	}
}
