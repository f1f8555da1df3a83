package v4l2controls

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that is waited for: a loaded machine is no failure.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// node is the device that is tested.
type node string

// device returns the device that CAMD_V4L2 names.
func device(t *testing.T) node {
	t.Helper()
	n := node(os.Getenv("CAMD_V4L2"))
	if n == "" {
		t.Skip("no device: name one with CAMD_V4L2=/dev/video0, such as the vivid driver's (modprobe vivid)")
	}
	for _, name := range []string{"brightness", "contrast"} {
		n.value(t, name)
	}
	return n
}

func (n node) ctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("v4l2-ctl", append([]string{"-d", string(n)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("v4l2-ctl -d %s %s: %v\n%s", n, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// value is what the device has, by v4l2-ctl's word.
func (n node) value(t *testing.T, control string) int {
	t.Helper()
	out := n.ctl(t, "-C", control)
	v, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(out, control+":")))
	if err != nil {
		t.Fatalf("v4l2-ctl says %q of %s", out, control)
	}
	return v
}

func (n node) set(t *testing.T, control string, to int) {
	t.Helper()
	n.ctl(t, "-c", control+"="+strconv.Itoa(to))
}

func (n node) driver(t *testing.T) string {
	t.Helper()
	if m := regexp.MustCompile(`Driver name\s*: (\S+)`).FindStringSubmatch(n.ctl(t, "-D")); m != nil {
		return m[1]
	}
	return ""
}

func plug(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("vivid.0"), 0o200); err != nil {
		t.Fatal(err)
	}
}

// daemon is a running camd.
type daemon struct {
	url    string
	output output
}

var dashboard = regexp.MustCompile(`dashboard at (http://127\.0\.0\.1:\d+)/`)

// start starts camd on a free port. When the test ends, it is stopped and must exit with 0.
func start(t *testing.T, config string) *daemon {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join("..", "..", "bin"))
	if named := os.Getenv("CAMD_BIN"); named != "" {
		bin = named
	}
	file := filepath.Join(t.TempDir(), "camd.yaml")
	if err != nil || os.WriteFile(file, []byte(config), 0o600) != nil {
		t.Fatal("no configuration to start with", err)
	}
	d := &daemon{}
	cmd := exec.Command(filepath.Join(bin, "camd"), "serve", "--listen", "127.0.0.1:0", "-c", file)
	cmd.Stdout, cmd.Stderr = &d.output, &d.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test binary that is killed runs no Cleanup
	if err := cmd.Start(); err != nil {
		t.Fatalf("start camd: %v; run make build", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("camd: %v", err)
		}
		if t.Failed() {
			t.Logf("camd:\n%s", d.output.String())
		}
	})
	eventually(t, "the dashboard's address", func() bool {
		m := dashboard.FindStringSubmatch(d.output.String())
		if m != nil {
			d.url = m[1]
		}
		return m != nil
	})
	return d
}

// answer is what the API says of a camera, its controls, or a mistake.
type answer struct {
	State    string
	Error    string
	Worker   struct{ PID int }
	Counts   struct{ Captured int }
	Controls []struct {
		Name, Title, Kind string
		Value             any
	}
}

func (a answer) value(name string) any {
	for _, c := range a.Controls {
		if c.Name == name {
			return c.Value
		}
	}
	return nil
}

// ask sends a request to an address below that of the cameras.
func (d *daemon) ask(t *testing.T, method, path, body string) (int, answer) {
	t.Helper()
	req, err := http.NewRequest(method, d.url+"/api/v1/cameras"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, a
}

// live waits until the camera is live by another process than the one given.
func (d *daemon) live(t *testing.T, but int) {
	t.Helper()
	eventually(t, "live pictures", func() bool {
		_, c := d.ask(t, http.MethodGet, "/cam", "")
		return c.State == "live" && c.Worker.PID != but && c.Worker.PID != 0
	})
}

// shows waits until the camera is shown with a control's value.
func (d *daemon) shows(t *testing.T, control string, value float64) {
	t.Helper()
	eventually(t, control+" to be shown", func() bool {
		_, c := d.ask(t, http.MethodGet, "/cam", "")
		return c.value(control) == value
	})
}

// output collects what a running program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
