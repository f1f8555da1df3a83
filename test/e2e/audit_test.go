package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// auditRecord is a line of the audit log.
type auditRecord struct {
	Logger, Msg, Requester, Via, Address, Camera, Rendition, Transport, Reason, From, To string
	Cameras, Keys                                                                        []string
	Frames, Bytes                                                                        uint64
	Seconds                                                                              *float64
}

func (a auditRecord) String() string {
	return strings.Join(strings.Fields(fmt.Sprint(a.Msg, " ", a.Requester, " ", a.Via, " ", a.Address, " ", a.Camera, " ", a.Rendition, " ", a.Transport, " ", a.Reason,
		" ", a.From, " ", a.To, " ", strings.Join(a.Keys, ","))), " ")
}

// auditRecords returns the records of the audit log in a text, without their priorities.
func auditRecords(t *testing.T, text string) (all []auditRecord) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e auditRecord
		if start := strings.IndexByte(line, '{'); start >= 0 && json.Unmarshal([]byte(line[start:]), &e) == nil && e.Logger == "audit" {
			all = append(all, e)
		}
	}
	return all
}

// countAuditRecords counts the records in a text that consist of these words.
func countAuditRecords(t *testing.T, text, words string) (n int) {
	t.Helper()
	for _, e := range auditRecords(t, text) {
		if e.String() == words {
			n++
		}
	}
	return n
}

// makeAuditedRequests watches a stream, takes snapshots, watches a wall and turns a camera off and on.
func (d *daemon) makeAuditedRequests(t *testing.T, snapshots int) {
	t.Helper()
	v := watch(t, d.URL+"/cameras/door/stream.mjpg")
	for range 3 {
		if _, err := v.read(); err != nil {
			t.Fatal(err)
		}
	}
	v.close()
	for range snapshots {
		if code, _, _ := get(t, d.URL+"/cameras/door/snapshot.jpg"); code != http.StatusOK {
			t.Errorf("a snapshot: %d", code)
		}
	}
	wall, seen := d.dialWall(t, wallOptions{cameras: []string{"door", "yard"}}), 0
	wall.until("two pictures", func(e wallEvent) bool {
		if e.frame != nil {
			seen++
		}
		return seen == 2
	})
	wall.close()
	d.patchCamera("yard", `{"paused": true}`)
	d.patchCamera("yard", `{"paused": false}`)
	eventually(t, "all viewers to have left", func() bool { return len(d.viewers("")) == 0 })
}

const auditedCameras = "cameras:\n  - {id: door, source: 'test://?size=320x180&fps=20', stall_timeout: 2m}\n  - {id: yard, source: 'test://?size=320x180&fps=20', stall_timeout: 2m}\n"

// The audit log has the requester, address and duration of each view and change. Polled snapshots are summarized. The log level has
// no effect.
func TestAuditLogHasRequesterAddressAndDuration(t *testing.T) {
	t.Parallel()
	const snapshots = 40
	d := start(t, options{config: auditedCameras + "log: {level: error}\n"})
	d.waitForState("door", "live")
	d.waitForState("yard", "live")
	d.makeAuditedRequests(t, snapshots)
	d.reloadWith(auditedCameras + "log: {level: error, audit_addresses: short}\nwrite_timeout: 9s\n")
	d.reload()
	eventually(t, "the reload", func() bool { return strings.Contains(d.stderr.String(), "config.reloaded") })
	if code, _, _ := get(t, d.URL+"/cameras/yard/snapshot.jpg?max_age=1h"); code != http.StatusOK {
		t.Errorf("a snapshot: %d", code)
	}
	d.stop()
	text := d.stderr.String()
	const by = " anonymous anonymous 127.0.0.1 "
	for words, want := range map[string]int{
		"daemon.started":                                                 1,
		"view.begin" + by + "door main http1":                            1,
		"view.end" + by + "door main http1 left":                         1,
		"view.begin" + by + "door preview websocket":                     1,
		"view.end" + by + "door preview websocket left":                  1,
		"view.begin" + by + "yard preview websocket":                     1,
		"camera.switched" + by + "yard on off":                           1,
		"camera.switched" + by + "yard off on":                           1,
		"config.reloaded signal write_timeout,log.audit_addresses":       1,
		"view.snapshot anonymous anonymous 127.0.0.0/24 yard main http1": 1,
		"daemon.stopped": 1,
	} {
		if got := countAuditRecords(t, text, words); got != want {
			t.Errorf("%q is in the audit log %d times, want %d", words, got, want)
		}
	}
	lines, taken := 0, uint64(0)
	for _, e := range auditRecords(t, text) {
		switch {
		case e.Msg == "view.snapshot" && e.Camera == "door":
			lines++
			taken += e.Frames
		case e.Msg == "view.end" && (e.Frames == 0 || e.Bytes == 0 || e.Seconds == nil):
			t.Errorf("the end of a view lacks its figures: %+v", e)
		}
	}
	if taken != snapshots || lines > snapshots/4 {
		t.Errorf("%d snapshots in %d records, want %d in at most %d", taken, lines, snapshots, snapshots/4)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// With a file the audit log is there only. A reload reopens the file, as logrotate needs it. With off there is no audit log.
func TestAuditFileIsReopenedOnReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	d := start(t, options{config: auditedCameras + "log: {audit: " + file + "}\n"})
	d.waitForState("door", "live")
	if code, _, _ := get(t, d.URL+"/cameras/door/snapshot.jpg"); code != http.StatusOK {
		t.Errorf("a snapshot: %d", code)
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	d.reload()
	eventually(t, "a new file", func() bool { b, _ := os.ReadFile(file); return strings.Contains(string(b), "config.reloaded") })
	d.stop()
	before, after := string(readFile(t, file+".1")), string(readFile(t, file))
	if countAuditRecords(t, before, "view.snapshot anonymous anonymous 127.0.0.1 door main http1") != 1 || countAuditRecords(t, after, "daemon.stopped") != 1 {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("other users can read the audit file: %v, %v", info.Mode(), err)
	}
	if got := auditRecords(t, d.stderr.String()); len(got) > 0 {
		t.Errorf("the log has audit records, too: %v", got)
	}

	d = start(t, options{config: auditedCameras + "log: {audit: off}\n"})
	d.waitForState("door", "live")
	d.makeAuditedRequests(t, 1)
	d.stop()
	text := d.stderr.String()
	if others := strings.ReplaceAll(text, strings.TrimPrefix(d.URL, "http://"), "where it listens"); len(auditRecords(t, text)) > 0 || strings.Contains(others, "127.0.0.1") {
		t.Errorf("the audit log is off, but the log has records or addresses: %s", text)
	}
}
