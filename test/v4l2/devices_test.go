package v4l2

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testrun"
)

// listed has the fields of camd devices --json that the tests read.
type listed struct {
	Path    string
	Capture bool
	Problem string
	Formats []struct{ FourCC string }
}

func devices(t *testing.T, args ...string) (paths []string, all []listed) {
	t.Helper()
	out := runOrFail(t, testrun.Program(t, "camd"), append([]string{"devices", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, d := range all {
		paths = append(paths, d.Path)
	}
	return paths, all
}

func TestDevicesAreThoseThatCapture(t *testing.T) {
	if got, want := first(devices(t)), []string{"/dev/video0", "/dev/video1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want := []string{"/dev/video0", "/dev/video1", "/dev/video2", "/dev/video3", "/dev/video20", "/dev/video21"}
	if got := first(devices(t, "--all")); !slices.Equal(got, want) {
		t.Errorf("--all: got %v, want %v", got, want)
	}
	feed(t, "/dev/video20")
	paths, all := devices(t)
	i := slices.Index(paths, "/dev/video20")
	if i < 0 || len(all[i].Formats) != 1 || all[i].Formats[0].FourCC != "MJPG" {
		t.Errorf("a fed loopback device: got %+v", all)
	}
}

func first(paths []string, _ []listed) []string { return paths }

func TestProbeRefusesOtherDevices(t *testing.T) {
	for _, c := range []struct{ source, says string }{
		{"/dev/video2", "the device delivers no pictures: /dev/video2 does not capture video"}, // metadata
		{"/dev/video3", "the device delivers no pictures: /dev/video3 does not capture video"}, // output
		{"/dev/video21", "A loopback device captures only while a program writes to it"},
		{"/dev/null", "/dev/null is not a V4L2 device"},
		{"/dev/video9", "/dev/video9 does not exist"},
	} {
		if out, err := testrun.Run(t, testrun.Program(t, "camd"), "probe", c.source); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%s: got %v, %s; want %s", c.source, err, out, c.says)
		}
	}
}

// A busy device is retried, and live when it is free.
func TestBusyDeviceIsRetried(t *testing.T) {
	feed(t, "/dev/video20")
	var others []*testrun.Process
	for _, device := range []string{"/dev/video1", "/dev/video20"} {
		other := startProcess(t, nil, "v4l2-ctl", "-d", device, "--stream-mmap", "--verbose")
		testrun.WaitFor(t, "another program's pictures", func() bool { return len(other.Output.String()) > 2000 })
		others = append(others, other)
	}
	d := serve(t, "id: raw, source: /dev/video1", "id: mjpeg, source: /dev/video20")
	d.waitForState("raw", "offline/busy")
	d.waitForState("mjpeg", "offline/busy")
	for _, other := range others {
		other.Kill()
	}
	d.waitForState("raw", "live")
	d.waitForState("mjpeg", "live")
}

// A device is opened as soon as its permissions allow it.
func TestDeviceIsOpenedWhenPermitted(t *testing.T) {
	const device = "/dev/video0"
	bin := copied(t)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	d := serveAs(t, nobody, filepath.Join(bin, "camd"), "id: a, source: "+device)
	d.waitForState("a", "offline/permission")
	planned := d.waitForLongRetry("a")
	t.Cleanup(func() { _ = os.Chmod(device, 0o660) })
	if err := os.Chmod(device, 0o666); err != nil {
		t.Fatal(err)
	}
	d.checkRetriedEarly("a", planned)
	d.waitForState("a", "live")
}

// copied copies the two programs into a directory that every user can read.
func copied(t *testing.T) (bin string) {
	t.Helper()
	bin, err := os.MkdirTemp("", "camd-bin-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(bin) })
	for _, name := range []string{"camd", "camd-capture"} {
		b, err := os.ReadFile(testrun.Program(t, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(bin, name), b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}
