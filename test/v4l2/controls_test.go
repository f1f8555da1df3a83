package v4l2

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// camera is a device of vivid. v4l2-ctl reads and sets its controls beside camd.
const camera = "/dev/video0"

// readControl returns the value of a control that v4l2-ctl reads.
func readControl(t testing.TB, control string) int {
	t.Helper()
	out := runOrFail(t, "v4l2-ctl", "-d", camera, "-C", control)
	v, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(out, control+":")))
	if err != nil {
		t.Fatalf("v4l2-ctl prints %q for %s", out, control)
	}
	return v
}

func setControl(t testing.TB, control string, to int) {
	t.Helper()
	runOrFail(t, "v4l2-ctl", "-d", camera, "-c", control+"="+strconv.Itoa(to))
}

func TestControlsAreListedSetAndRestored(t *testing.T) {
	setControl(t, "horizontal_flip", 0)
	brightness := readControl(t, "brightness")
	t.Cleanup(func() { setControl(t, "brightness", brightness); setControl(t, "horizontal_flip", 0) }) // other tests check colours
	contrast := readControl(t, "contrast")
	d := serve(t, "id: cam, source: "+camera+", controls: {brightness: 77, contrast: 9999, horizontal_flip: true, nonsense: 1}",
		`id: pattern, source: "test://?size=320x180"`)
	d.waitForNewWorker(t, 0)

	t.Run("configured ones are set", func(t *testing.T) {
		d.waitForControl(t, "brightness", 77)
		if b, f, c := readControl(t, "brightness"), readControl(t, "horizontal_flip"), readControl(t, "contrast"); b != 77 || f != 1 || c != contrast {
			t.Errorf("got brightness %d, flip %d, contrast %d, want 77, 1, %d", b, f, c, contrast)
		}
		testrun.WaitFor(t, "the log to name what could not be set", func() bool {
			return strings.Contains(d.Output.String(), `contrast must be a whole number from`) && strings.Contains(d.Output.String(), `unknown control \"nonsense\": this device has`)
		})
	})
	t.Run("listed", func(t *testing.T) {
		code, c := d.request(t, http.MethodGet, "/cam/controls", "")
		if code != 200 || c.value("brightness") != 77. || c.value("horizontal_flip") != true {
			t.Errorf("%d %+v", code, c)
		}
		for _, c := range c.Controls {
			if c.Kind == "" || c.Title == "" {
				t.Errorf("%+v", c)
			}
		}
	})
	t.Run("set, beside a running capture", func(t *testing.T) {
		_, before := d.request(t, http.MethodGet, "/cam", "")
		code, c := d.request(t, http.MethodPatch, "/cam", `{"controls": {"brightness": 200, "horizontal_flip": false}}`)
		if code != 200 || c.State != "live" || c.value("brightness") != 200. || c.value("horizontal_flip") != false {
			t.Errorf("%d %+v", code, c)
		}
		if b, f := readControl(t, "brightness"), readControl(t, "horizontal_flip"); b != 200 || f != 0 {
			t.Errorf("got brightness %d, flip %d, want 200, 0", b, f)
		}
		d.waitForControl(t, "brightness", 200)
		testrun.WaitFor(t, "more pictures from the same process", func() bool {
			_, now := d.request(t, http.MethodGet, "/cam", "")
			if now.Worker.PID != before.Worker.PID {
				t.Fatal("the capture process was replaced")
			}
			return now.Counts.Captured > c.Counts.Captured+5
		})
	})
	t.Run("all or none", func(t *testing.T) {
		code, c := d.request(t, http.MethodPatch, "/cam", `{"controls": {"brightness": 1, "contrast": 9999, "horizontal_flip": "left", "none": 1}}`)
		for _, want := range []string{"contrast must be a whole number from 0 to ", "is 9999", `horizontal_flip must be true or false, is "left"`, `unknown control "none": this device has `} {
			if code != 400 || !strings.Contains(c.Error, want) {
				t.Errorf("got %d %s, want 400 with %s", code, c.Error, want)
			}
		}
		if b := readControl(t, "brightness"); b != 200 {
			t.Errorf("got brightness %d, want 200 as before", b)
		}
	})
	t.Run("a source without", func(t *testing.T) {
		if code, c := d.request(t, http.MethodGet, "/pattern/controls", ""); code != 404 || !strings.Contains(c.Error, "this source has no controls") {
			t.Errorf("%d %s", code, c.Error)
		}
	})
	t.Run("kept when the process is killed", func(t *testing.T) {
		_, c := d.request(t, http.MethodGet, "/cam", "")
		setControl(t, "brightness", 50)
		if err := testpeer.Signal(c.Worker.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		d.waitForNewWorker(t, c.Worker.PID)
		if b := readControl(t, "brightness"); b != 200 {
			t.Errorf("got brightness %d of the new process, want 200", b)
		}
		d.waitForControl(t, "brightness", 200)
	})
	t.Run("process that is stopped is replaced", func(t *testing.T) {
		_, c := d.request(t, http.MethodGet, "/cam", "")
		if err := testpeer.Signal(c.Worker.PID, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		code, hung := d.request(t, http.MethodPatch, "/cam", `{"controls": {"brightness": 120}}`)
		if code != 503 || !strings.Contains(hung.Error, "the camera was closed before it answered") {
			t.Errorf("%d %s", code, hung.Error)
		}
		if code, _ := d.request(t, http.MethodGet, "", ""); code != 200 {
			t.Errorf("the daemon answers %d", code)
		}
		d.waitForNewWorker(t, c.Worker.PID)
		if code, c := d.request(t, http.MethodPatch, "/cam", `{"controls": {"brightness": 200}}`); code != 200 || c.value("brightness") != 200. {
			t.Errorf("%d %+v", code, c)
		}
	})
	t.Run("kept when it was unplugged", func(t *testing.T) {
		_, c := d.request(t, http.MethodGet, "/cam", "")
		unplug(t)
		testrun.WaitFor(t, "the camera to be offline", func() bool {
			_, c := d.request(t, http.MethodGet, "/cam", "")
			return c.State == "offline" && c.Controls == nil
		})
		code, gone := d.request(t, http.MethodPatch, "/cam", `{"controls": {"brightness": 10}}`)
		if code != 503 || !strings.Contains(gone.Error, "its controls are available only while it is open") {
			t.Errorf("%d %s", code, gone.Error)
		}
		plug(t) // the device has the driver's default values
		d.waitForNewWorker(t, c.Worker.PID)
		if b := readControl(t, "brightness"); b != 200 {
			t.Errorf("got brightness %d of the device plugged in again, want 200", b)
		}
	})
}

// cameraAnswer is the answer of the API about a camera and its controls, or an error.
type cameraAnswer struct {
	State    string
	Error    string
	Worker   struct{ PID int }
	Counts   struct{ Captured int }
	Controls []struct {
		Name, Title, Kind string
		Value             any
	}
}

func (a cameraAnswer) value(name string) any {
	for _, c := range a.Controls {
		if c.Name == name {
			return c.Value
		}
	}
	return nil
}

// request sends a request to an address below /api/v1/cameras.
func (d *daemon) request(t *testing.T, method, path, body string) (int, cameraAnswer) {
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
	var a cameraAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, a
}

// waitForNewWorker waits until the camera is live with another process than the given one.
func (d *daemon) waitForNewWorker(t *testing.T, but int) {
	t.Helper()
	testrun.WaitFor(t, "live pictures", func() bool {
		_, c := d.request(t, http.MethodGet, "/cam", "")
		return c.State == "live" && c.Worker.PID != but && c.Worker.PID != 0
	})
}

// waitForControl waits until the API shows a value of a control.
func (d *daemon) waitForControl(t *testing.T, control string, value float64) {
	t.Helper()
	testrun.WaitFor(t, control+" to be shown", func() bool {
		_, c := d.request(t, http.MethodGet, "/cam", "")
		return c.value(control) == value
	})
}
