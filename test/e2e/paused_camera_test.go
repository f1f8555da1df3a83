package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// patchCamera sends a PATCH and returns the camera as it is then.
func (d *daemon) patchCamera(id, body string) (s state, warning string) {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodPatch, d.URL+"/api/v1/cameras/"+id, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := closingClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("%s %s: %s %s, %v", id, body, answer.Status, text, err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		d.t.Fatalf("%v in %s", err, text)
	}
	return s, answer.Header.Get("X-Camd-Warning")
}

// A camera that is turned off is closed and shows no earlier picture. Its viewers stay connected. It stays off, also after a restart,
// until it is turned on.
func TestPausedCameraStaysOffUntilResumed(t *testing.T) {
	t.Parallel()
	config := fmt.Sprintf("state_dir: %s\n%s"+
		"  - {id: door, source: 'test://?size=320x180&fps=15', stall_timeout: 2m}\n"+
		"  - {id: hall, source: 'test://?size=320x180&fps=15', paused: true}\n", t.TempDir(), healthyCamera)
	d := start(t, options{config: config})
	w := d.startStreamChecker("healthy")
	stream := d.URL + "/cameras/door/stream.mjpg"
	viewers := []*viewer{watch(t, stream), watch(t, stream+"?rendition=preview")}
	for _, v := range viewers {
		v.waitFor("a live picture", isLive)
	}
	pid := d.waitForState("door", "live").Worker.PID

	s, warning := d.patchCamera("door", `{"paused": true}`)
	if s.State != "paused" || !s.Paused || s.Reason != "" || s.Worker.PID != 0 || warning != "" {
		t.Errorf("paused: %+v, %q", s, warning)
	}
	if isRunning(pid) || isChild(d.cmd.Process.Pid, pid) {
		t.Error("its capture process still runs")
	}
	for _, rendition := range []string{"main", "preview"} {
		code, h, body := get(t, d.URL+"/cameras/door/snapshot.jpg?max_age=60&rendition="+rendition)
		if code != http.StatusServiceUnavailable || h.Get("X-Camd-State") != "paused" || !isPlaceholder(picture{jpeg: body}) {
			t.Errorf("%s: a snapshot: %d, %v", rendition, code, h)
		}
	}
	for _, v := range viewers {
		v.waitFor("the placeholder", isPlaceholder)
	}
	if p, err := watch(t, stream).read(); err != nil || !isPlaceholder(p) {
		t.Errorf("a new viewer gets no placeholder: %v", err)
	}
	if got := d.metric(`camd_camera_state{camera="door",state="paused"}`); got != 1 {
		t.Errorf("camd_camera_state of paused is %v, want 1", got)
	}

	if s, _ := d.patchCamera("door", `{"paused": false}`); s.Paused {
		t.Errorf("resumed: %+v", s)
	}
	for _, v := range viewers { // on the same connections
		v.waitFor("a live picture again", isLive)
	}
	d.waitForState("door", "live")
	var past struct{ States []state }
	d.getJSON("/api/v1/cameras/door/history", &past)
	var states []string
	for _, h := range past.States {
		states = append(states, h.State)
	}
	if got := strings.Join(states, " "); got != "live starting paused live starting" {
		t.Errorf("history: %s", got)
	}
	w.checkUndisturbed()

	// The state is kept, even if the configuration differs.
	d.patchCamera("door", `{"paused": true}`)
	if s := d.camera("hall"); s.State != "paused" {
		t.Errorf("hall is %s, but is configured as paused", s.State)
	}
	d.patchCamera("hall", `{"paused": false}`)
	d.waitForState("hall", "live")
	log := d.stderr.String()
	for _, want := range []string{`"camera.switched"`, `"from":"on","to":"off"`, `"from":"off","to":"on"`, `"address":"127.0.0.1"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
	d.close()
	d = start(t, options{config: config})
	d.waitForState("hall", "live")
	d.waitForState("healthy", "live")
	if s := d.camera("door"); s.State != "paused" || s.Worker.PID != 0 {
		t.Errorf("after a restart: %+v", s)
	}
}

// Without a state directory a camera can be turned off, with a warning that this is not kept. A damaged state file is reported.
func TestPauseWithoutStateDirWarnsThatItIsNotKept(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: healthyCamera, env: []string{"STATE_DIRECTORY="}})
	if s, warning := d.patchCamera("healthy", `{"paused": true}`); !s.Paused || !strings.Contains(warning, "no state_dir") {
		t.Errorf("%+v, warning %q", s, warning)
	}
	if s, warning := d.patchCamera("healthy", `{"paused": false}`); s.Paused || warning != "" { // cameras start like that anyway
		t.Errorf("%+v, warning %q", s, warning)
	}

	dir := t.TempDir()
	path := write(t, dir, "cameras.json", `{"cameras": {"healthy": {"paused": tr`)
	d = start(t, options{config: healthyCamera, env: []string{"STATE_DIRECTORY=" + dir + ":/nowhere"}})
	d.waitForState("healthy", "live")
	if log := d.stderr.String(); !strings.Contains(log, path+" is damaged") || !strings.Contains(log, "check which should be off") {
		t.Errorf("log: %s", tail(log, 2000))
	}
	if _, warning := d.patchCamera("healthy", `{"paused": true}`); warning != "" {
		t.Errorf("warning %q", warning)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "cameras.json")); err != nil || !strings.Contains(string(b), `"paused": true`) {
		t.Errorf("kept: %s, %v", b, err)
	}
}
