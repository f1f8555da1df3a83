package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fakeDriver is a driver that answers from tables. If it is endless, its lists never end.
type fakeDriver struct {
	name    string // "" means vivid
	caps    uint32
	endless bool
	inUse   bool
	queries int
	closed  bool
}

func (f *fakeDriver) capability() (capability, error) {
	c := capability{Capabilities: capCapture | capHasDeviceCaps, DeviceCaps: f.caps}
	copy(c.Driver[:], cmp.Or(f.name, "vivid"))
	copy(c.Card[:], "Cam\x1b[31m: \xff")
	copy(c.Bus[:], "usb-1")
	return c, nil
}

func (f *fakeDriver) answer(index, many uint32) error {
	f.queries++
	if f.endless || index < many {
		return nil
	}
	return syscall.EINVAL
}

func (f *fakeDriver) format(index, _ uint32) (formatDesc, error) {
	d := formatDesc{PixelFormat: 'M' | 'J'<<8 | 'P'<<16 | 'G'<<24, Flags: flagCompressed}
	if index == 1 {
		d = formatDesc{PixelFormat: 'Y' | '1'<<8 | '6'<<16 | ' '<<24 | 1<<31}
	}
	return d, f.answer(index, 2)
}

func (f *fakeDriver) frameSize(index, pixels uint32) (frameSize, error) {
	if byte(pixels) == 'Y' {
		return frameSize{Type: 3, U: [6]uint32{16, 1920, 2, 8, 1080, 4}}, f.answer(index, 1)
	}
	return frameSize{Type: discrete, U: [6]uint32{640 * (index + 1), 480 * (index + 1)}}, f.answer(index, 2)
}

func (f *fakeDriver) interval(index, pixels, _, _ uint32) (interval, error) {
	if byte(pixels) == 'Y' {
		return interval{Type: 2, U: [6]uint32{1, 60, 1, 2}}, f.answer(index, 1)
	}
	return interval{Type: discrete, U: [6]uint32{[]uint32{1001, 1, 0, 1}[index%4], []uint32{15000, 30, 5, 30}[index%4]}}, f.answer(index, 4)
}

func (f *fakeDriver) busy(uint32) error {
	if f.inUse {
		return fmt.Errorf("VIDIOC_REQBUFS: %w", syscall.EBUSY)
	}
	return nil
}

func (f *fakeDriver) Close() { f.closed = true }

// fakeMachine creates the files that List reads.
func fakeMachine(t *testing.T, drivers map[string]any) scanner {
	t.Helper()
	root := t.TempDir()
	s := scanner{dev: root + "/dev", sys: root + "/sys", proc: root + "/proc"}
	put := func(path, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o660)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, path string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Symlink(to, path)); err != nil {
			t.Fatal(err)
		}
	}
	for name := range drivers {
		put(s.dev+"/"+name, "")
	}
	put(s.dev+"/videodog", "")
	put(s.dev+"/null", "")
	link("../../video2", s.dev+"/v4l/by-path/pci-0-index0")
	link("../../video10", s.dev+"/v4l/by-path/pci-0-index1")
	link("../../video2", s.dev+"/v4l/by-id/usb-cam-index0")
	link("../../video2", s.dev+"/v4l/by-id/usb-cam-zzz")
	put(s.sys+"/video3/name", "Locked: Cam\n")
	put(s.sys+"/video3/index", "0\n")
	put(s.sys+"/video4/index", "1\n")
	link("/sys/bus/usb/drivers/uvcvideo", s.sys+"/video3/device/driver")
	link(s.dev+"/video2", s.proc+"/77/fd/5")
	link(s.dev+"/video2", s.proc+"/77/fd/6")
	link(s.dev+"/null", s.proc+"/77/fd/1")
	link(s.dev+"/video2", s.proc+"/8/fd/3")
	put(s.proc+"/77/comm", "ffmpeg\n")
	put(s.proc+"/8/comm", "camd-capture\n")
	s.open = func(path string) (driver, error) {
		switch d := drivers[filepath.Base(path)].(type) {
		case *fakeDriver:
			return d, nil
		case error:
			return nil, fmt.Errorf("open: %w", d)
		}
		return nil, fs.ErrNotExist
	}
	return s
}
