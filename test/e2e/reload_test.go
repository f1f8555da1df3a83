package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reloadWith writes another configuration and reloads it.
func (d *daemon) reloadWith(config string) {
	d.t.Helper()
	if err := os.WriteFile(d.config, []byte(config), 0o644); err != nil {
		d.t.Fatal(err)
	}
	d.reload()
}

// reload makes camd read its configuration again, and returns when it has read it.
func (d *daemon) reload() {
	d.t.Helper()
	reloads := func() float64 {
		return d.metric(`camd_config_reloads_total{result="ok"}`) + d.metric(`camd_config_reloads_total{result="failed"}`)
	}
	before := reloads()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "the configuration to be read", func() bool { return reloads() > before })
}

// numberedCameras returns a configuration with n test cameras. changed has other keys for some of them.
func numberedCameras(n int, changed map[int]string) string {
	config := longWriteTimeout + "log: {level: warn}\ncameras:\n"
	for i := range n {
		line, ok := changed[i]
		if !ok {
			line = "source: 'test://?size=320x180&fps=5'"
		}
		config += fmt.Sprintf("  - {id: c%d, stall_timeout: 2m, %s}\n", i, line)
	}
	return config
}

// recording is everything that a viewer received.
type recording struct {
	camera string
	body   bytes.Buffer
	err    error
}

// frameNumberCache has the frame numbers of pictures by their hash. The viewers of a camera share pictures.
type frameNumberCache map[[sha256.Size]byte]int

// frameNumbers parses a stream and returns the numbers of its pictures, -1 for a placeholder.
func (r *recording) frameNumbers(t *testing.T, known frameNumberCache) (list []int) {
	t.Helper()
	if n, rest := countParts(r.body.Bytes()); r.err != nil || n == 0 || rest != "" {
		t.Fatalf("a viewer of %s: %d pictures, then %q, %v", r.camera, n, rest, r.err)
	}
	for b := r.body.Bytes(); ; {
		begin := bytes.Index(b, []byte("\xff\xd8"))
		if begin < 0 {
			return list
		}
		b = b[begin:]
		end := bytes.Index(b, []byte("\r\n--boundarydonotcross"))
		sum := sha256.Sum256(b[:end])
		if _, ok := known[sum]; !ok {
			known[sum] = -1
			if n, ok := (picture{jpeg: b[:end]}).frameNumber(); ok {
				known[sum] = int(n)
			}
		}
		list, b = append(list, known[sum]), b[end:]
	}
}

// countMissing returns how many numbers are missing. A picture may come twice: it is repeated when no other came for half a second.
func countMissing(t *testing.T, camera string, list []int) (n int) {
	t.Helper()
	for i, number := range list {
		switch {
		case number < 0:
			t.Fatalf("a viewer of %s got a placeholder", camera)
		case i > 0 && number < list[i-1]:
			t.Fatalf("a viewer of %s got picture %d after %d", camera, number, list[i-1])
		case i > 0 && number > list[i-1]:
			n += number - list[i-1] - 1
		}
	}
	return n
}

// countSkipped returns how many pictures the capture process left out between two states because the machine was slow.
func countSkipped(before, after state) int {
	return int(after.Counts.Captured-after.Counts.Published) - int(before.Counts.Captured-before.Counts.Published)
}

// A reload changes one of sixteen cameras with a hundred viewers. The other streams continue without a lost picture, with the same
// processes. The viewers of the changed camera stay connected and get its new pictures.
func TestReloadKeepsViewers(t *testing.T) {
	const cameras, viewers, changed = 16, 100, "c7"
	d := start(t, options{config: numberedCameras(cameras, nil)})
	for i := range cameras {
		d.waitForState("c"+itoa(i), "live")
	}
	all := make([]recording, viewers)
	var watching sync.WaitGroup
	for i := range all {
		all[i].camera = "c" + itoa(i%cameras)
		answer, err := streamClient.Get(d.URL + "/cameras/" + all[i].camera + "/stream.mjpg")
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("viewer %d: %v, %v", i, answer, err)
		}
		watching.Go(func() {
			defer answer.Body.Close()
			_, all[i].err = io.Copy(&all[i].body, answer.Body)
		})
	}
	// advances waits until every camera has made n more pictures.
	advances := func(n uint64) {
		begin := d.cameras()
		eventually(t, "pictures of all cameras", func() bool {
			for id, now := range d.cameras() {
				if now.Counts.Published < begin[id].Counts.Published+n {
					return false
				}
			}
			return true
		})
	}
	advances(5) // an unwatched camera makes one picture a second
	before := d.cameras()
	d.reloadWith(numberedCameras(cameras, map[int]string{7: "source: 'test://?size=320x180&fps=4'"}))
	now := d.waitForCamera(changed, "live again", func(s state) bool { return s.State == "live" && s.Counts.Restarts["reconfigured"] == 1 })
	advances(10)
	after := d.cameras()
	allowed := map[string]int{} // a slow machine leaves pictures out and counts them; no others may be missing
	for id, was := range before {
		allowed[id] = max(0, countSkipped(was, after[id]))*(viewers/cameras+1) + int(d.metric(`camd_viewer_frames_dropped_total{camera="`+id+`",reason="late",rendition="main",transport="http1"}`))
		if id == changed {
			if now.Worker.PID == was.Worker.PID || isRunning(was.Worker.PID) {
				t.Errorf("%s: process %d, was %d", id, now.Worker.PID, was.Worker.PID)
			}
		} else if s := after[id]; s.Worker.PID != was.Worker.PID || !s.Since.Equal(*was.Since) || !maps.Equal(s.Counts.Restarts, was.Counts.Restarts) {
			t.Errorf("%s was disturbed: %+v, was %+v", id, s, was)
		}
	}
	if code, _ := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	watching.Wait()

	lost, seen, known := map[string]int{}, 0, frameNumberCache{}
	for i := range all {
		list := all[i].frameNumbers(t, known)
		seen += len(list)
		if all[i].camera != changed {
			id := all[i].camera
			list = list[slices.IndexFunc(list, func(n int) bool { return n >= int(before[id].Counts.Captured) }):]
			if late := slices.IndexFunc(list, func(n int) bool { return n > int(after[id].Counts.Captured) }); late >= 0 {
				list = list[:late] // after does not count pictures that were left out of these
			}
			lost[id] += countMissing(t, id, list)
			continue
		}
		card := slices.Index(list, -1)
		again := slices.IndexFunc(list[max(card, 0):], func(n int) bool { return n > 0 })
		if card < 1 || again < 0 || list[card+again] >= list[card-1] {
			t.Errorf("a viewer of the changed camera got %v, want pictures, a placeholder, and pictures counted from the start", list)
		}
	}
	total := 0
	for id, n := range lost {
		total += n
		if n > allowed[id] {
			t.Errorf("%s: %d pictures lost, want at most the %d that were counted as left out", id, n, allowed[id])
		}
	}
	t.Logf("%d pictures, %d lost, %v counted as left out", seen, total, allowed)
}

// A reload changes a title, limits, renditions, the order and the log level without disturbing viewers.
func TestReloadOfSettingsKeepsStreams(t *testing.T) {
	t.Parallel()
	const gate = "  - {id: gate, title: %s, source: 'test://?size=320x180&fps=15', stall_timeout: %s, renditions: {%s}}\n"
	const yard = "  - {id: yard, source: 'test://?size=320x180&fps=15', stall_timeout: 2m}\n"
	d := start(t, options{config: longWriteTimeout + "cameras:\n" + fmt.Sprintf(gate, "Gate", "2m", "small: {width: 160}") + yard})
	d.waitForState("yard", "live")
	before := d.waitForState("gate", "live")
	w, other := d.startStreamChecker("gate"), d.startStreamChecker("yard")
	small := watch(t, d.URL+"/cameras/gate/stream.mjpg?rendition=small")
	small.waitFor("a small picture", func(p picture) bool { return jpegWidth(p.jpeg) == 160 })
	preview := watch(t, d.URL+"/cameras/gate/stream.mjpg?rendition=preview")
	preview.waitFor("a preview", func(p picture) bool { return jpegWidth(p.jpeg) == 320 })

	d.reloadWith(longWriteTimeout + "limits: {viewers: 5}\nlog: {level: debug}\ncameras:\n" + yard +
		fmt.Sprintf(gate, "The gate", "3m", "tiny: {width: 80}, preview: {width: 240}"))
	after := d.camera("gate")
	if after.Title != "The gate" || after.Worker.PID != before.Worker.PID || after.State != "live" || !after.Since.Equal(*before.Since) {
		t.Errorf("%+v, was %+v", after, before)
	}
	var list struct{ Cameras []state }
	if d.getJSON("/api/v1/cameras", &list); list.Cameras[0].ID != "yard" {
		t.Errorf("the first camera is %s, want yard", list.Cameras[0].ID)
	}
	tiny := watch(t, d.URL+"/cameras/gate/stream.mjpg?rendition=tiny")
	tiny.waitFor("a tiny picture", func(p picture) bool { return jpegWidth(p.jpeg) == 80 })
	preview.waitFor("a preview of another size", func(p picture) bool { return jpegWidth(p.jpeg) == 240 })
	for { // streams of removed cameras end between two pictures
		if _, err := small.read(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the stream of a removed rendition ended by %v", err)
		}
	}
	code, _, body := get(t, d.URL+"/cameras/gate/stream.mjpg?rendition=small")
	if code != http.StatusNotFound || !strings.Contains(string(body), "its renditions are main, preview, tiny") {
		t.Errorf("%d %s", code, body)
	}
	eventually(t, "the removed stream to be counted", func() bool { return d.metric(`camd_viewers_cut_total{camera="gate",reason="removed"}`) == 1 })
	_, _, metrics := get(t, d.URL+"/metrics")
	if bytes.Contains(metrics, []byte(`rendition="small"`)) || !bytes.Contains(metrics, []byte(`camd_viewer_frame_age_seconds_count{camera="gate",rendition="tiny"}`)) {
		t.Error("the metrics do not have exactly the present renditions")
	}
	watch(t, d.URL+"/cameras/yard/stream.mjpg")
	if code, _, body := get(t, d.URL+"/cameras/yard/stream.mjpg"); code != http.StatusServiceUnavailable || !strings.Contains(string(body), "5 viewers") {
		t.Errorf("a sixth viewer: %d %s", code, body)
	}
	if !strings.Contains(d.stderr.String(), `"level":"debug"`) {
		t.Error("the log level did not change")
	}
	w.checkUndisturbed()
	other.checkUndisturbed()
	if n := d.camera("gate").Counts.Restarts; len(n) != 0 {
		t.Errorf("restarts %v", n)
	}
}

// Cameras are added and removed. A stream of a removed camera ends between two pictures.
func TestReloadAddsAndRemovesCameras(t *testing.T) {
	t.Parallel()
	d := start(t, options{config: numberedCameras(3, nil)})
	w := d.startStreamChecker("c0")
	gone := d.waitForState("c2", "live")
	d.waitForState("c1", "live")
	leaving := recording{camera: "c2"}
	answer, err := streamClient.Get(d.URL + "/cameras/c2/stream.mjpg")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	d.waitForCamera("c2", "watched", func(s state) bool { return s.Viewers == 1 && s.Counts.Published > 3 })

	d.reloadWith(numberedCameras(2, nil) + "  - {id: fresh, source: 'test://?size=320x180&fps=10'}\n")
	_, leaving.err = io.Copy(&leaving.body, answer.Body)
	leaving.frameNumbers(t, frameNumberCache{})
	if isRunning(gone.Worker.PID) {
		t.Error("its capture process still runs")
	}
	for _, path := range []string{"/cameras/c2/stream.mjpg", "/cameras/c2/snapshot.jpg", "/cameras/c2/", "/api/v1/cameras/c2", "/api/v1/cameras/c2/history"} {
		if code, _, body := get(t, d.URL+path); code != http.StatusNotFound || !strings.Contains(string(body), "the cameras are c0, c1, fresh") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	_, _, metrics := get(t, d.URL+"/metrics")
	for line := range strings.Lines(string(metrics)) {
		if strings.Contains(line, `camera="c2"`) && line != "camd_viewers_cut_total{camera=\"c2\",reason=\"removed\"} 1\n" {
			t.Errorf("a series of the removed camera: %s", line)
		}
	}
	d.waitForState("fresh", "live")
	d.startStreamChecker("fresh").checkUndisturbed()
	w.checkUndisturbed()
	d.reloadWith(numberedCameras(1, map[int]string{0: "paused: true, source: 'test://'"}))
	eventually(t, "all capture processes to be gone", func() bool { return len(children(d.cmd.Process.Pid)) == 0 })
	d.reloadWith(numberedCameras(3, nil))
	d.waitForState("c2", "live")
}
