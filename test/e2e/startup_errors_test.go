package e2e

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"camd/internal/testrun"
)

// A startup error is one line with an exit code.
func TestStartupErrorIsOneLineWithExitCode(t *testing.T) {
	t.Parallel()
	requireNotInstalled(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	alone := t.TempDir()
	lonely := copyProgram(t, "camd", alone)
	empty := write(t, t.TempDir(), "camd.yaml", "listen: "+taken.Addr().String()+"\n"+noCameras)
	for _, c := range []struct {
		name string
		cmd  *exec.Cmd
		want []string
	}{
		{"taken port", exec.Command(testrun.Program(t, "camd"), "--listen", taken.Addr().String()),
			[]string{"listen on " + taken.Addr().String() + ": another program uses this port", "--listen"}},
		{"taken port, no camera", exec.Command(testrun.Program(t, "camd"), "serve", "-c", empty),
			[]string{"listen on " + taken.Addr().String() + ": another program uses this port"}},
		{"an address that is not ours", exec.Command(testrun.Program(t, "camd"), "--listen", "192.0.2.1:0", "--anonymous", "view"),
			[]string{"this machine has no such address"}},
		{"camd-capture missing", exec.Command(lonely, "--listen", "127.0.0.1:0"),
			[]string{"camd-capture not found", alone + "/camd-capture", "/usr/lib/camd/camd-capture", "PATH", "make build"}},
		{"camd-capture missing for probe", exec.Command(lonely, "probe", "test://"),
			[]string{"camd-capture not found", alone + "/camd-capture"}},
	} {
		o := runCommand(t, c.cmd)
		if o.code != 1 || o.stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q", c.name, o.code, o.stdout)
		}
		for _, want := range c.want {
			if !strings.Contains(o.stderr, want) {
				t.Errorf("%s: %q is not in %s", c.name, want, o.stderr)
			}
		}
		if last := lastLine(o.stderr); !strings.HasPrefix(last, "camd: ") {
			t.Errorf("%s: the last line is %q", c.name, last)
		}
	}
}

// noCameras is the configuration of a relay that finds no camera.
const noCameras = "bus: {servers: ['nats://127.0.0.1:1']}\n"

// A daemon without cameras needs no capture program, and /stream says that no camera is configured.
func TestDaemonWithoutCamerasNeedsNoCaptureProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyProgram(t, "camd", dir)
	d := start(t, options{bin: dir, config: "log: {level: error, audit: off}\n" + noCameras})
	if code, _, body := get(t, d.URL+"/api/v1/cameras"); code != 200 || !strings.Contains(string(body), `"cameras": []`) {
		t.Errorf("%d: %s", code, body)
	}
	if code, _, body := get(t, d.URL+"/stream"); code != 404 || !strings.Contains(string(body), "no camera is configured") {
		t.Errorf("%d: %s", code, body)
	}
	if s := d.stderr.String(); s != "" {
		t.Errorf("camd logged %s", s)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// requireNotInstalled fails a test that needs a machine without the Debian package: camd would find the package's camd-capture.
func requireNotInstalled(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/usr/lib/camd"); err == nil {
		t.Fatal("camd is installed on this machine; for this test, run: apt purge camd")
	}
}
