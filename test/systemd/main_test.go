package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
)

// Where the units expect the files.
const (
	daemon   = "/usr/bin/camd"
	worker   = "/usr/lib/camd/camd-capture"
	settings = "/etc/camd/camd.yaml"
	units    = "/etc/systemd/system"
)

func TestMain(m *testing.M) {
	if comm, _ := os.ReadFile("/proc/1/comm"); os.Getenv("CAMD_V4L2_LAB") == "" || string(comm) != "systemd\n" {
		fmt.Println("not in the lab, nothing tested: make test-systemd")
		return
	}
	if err := install(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// install copies the built programs and the units to where they are expected.
func install() error {
	bin := os.Getenv("CAMD_BIN")
	for from, to := range map[string]string{
		filepath.Join(bin, "camd"):         daemon,
		filepath.Join(bin, "camd-capture"): worker,
		"../../deploy/camd.service":        filepath.Join(units, "camd.service"),
		"../../deploy/camd.socket":         filepath.Join(units, "camd.socket"),
	} {
		if err := copyFile(from, to); err != nil {
			return err
		}
	}
	return exec.Command("systemctl", "daemon-reload").Run()
}

// copyFile copies a program or a unit. It can replace a running program.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if !strings.HasPrefix(to, units) {
		mode = 0o755
	}
	_ = os.Remove(to)
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, mode))
}

// systemctl runs systemctl and fails the test if it fails.
func systemctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := testrun.Run(t, "systemctl", args...)
	if err != nil {
		t.Fatalf("systemctl %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

// property returns a property of camd.service.
func property(t *testing.T, name string) string {
	t.Helper()
	return systemctl(t, "show", "--value", "-p", name, "camd.service")
}

func mainPID(t *testing.T) int {
	t.Helper()
	pid, _ := strconv.Atoi(property(t, "MainPID"))
	return pid
}

// journal returns the lines of camd.service in the journal since a time, of a priority or a higher one.
func journal(t *testing.T, since time.Time, priority string) string {
	t.Helper()
	out, _ := testrun.Run(t, "journalctl", "-u", "camd.service", "--no-pager", "-o", "cat", "-a", "-p", priority,
		"--since", fmt.Sprintf("@%d.%06d", since.Unix(), since.Nanosecond()/1000))
	return out
}

// configure writes a configuration with these entries of cameras.
func configure(t *testing.T, cameras ...string) {
	t.Helper()
	text := "listen: 127.0.0.1:8080\ncameras:\n"
	for _, c := range cameras {
		text += "  - {" + c + "}\n"
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(settings), 0o755), os.WriteFile(settings, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// serve starts camd. When the test ends, camd is stopped and its failures are reset.
func serve(t *testing.T, cameras ...string) {
	t.Helper()
	configure(t, cameras...)
	begin := time.Now()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("journal:\n%s", journal(t, begin, "debug"))
		}
		_, _ = testrun.Run(t, "systemctl", "stop", "camd.socket", "camd.service")
		_, _ = testrun.Run(t, "systemctl", "reset-failed", "camd.service")
	})
	systemctl(t, "start", "camd.service") // returns at READY=1
	t.Logf("start to READY: %v", time.Since(begin).Round(10*time.Millisecond))
}

// waitForStatus waits until systemctl status shows a status line.
func waitForStatus(t *testing.T, want string) {
	t.Helper()
	got := ""
	defer func() {
		if t.Failed() {
			t.Logf("the status line is %q", got)
		}
	}()
	testrun.WaitFor(t, "the status "+strconv.Quote(want), func() bool { got = property(t, "StatusText"); return got == want })
}
