package source

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

func TestHistoryListsNewestChangeFirst(t *testing.T) {
	begun := time.Now()
	c := startCamera(t, Options{WorkerPath: faultyWorker(t, "crash")})
	c.waitForState(t, camera.Live)
	// It crashed once, after it was live for the first time.
	testrun.WaitFor(t, "four changes of state", func() bool { return len(c.History()) >= 4 })
	list := c.History()
	var states []string
	for i, h := range list {
		states = append(states, strings.TrimSpace(string(h.State)+" "+string(h.Reason)))
		if h.Since.Before(begun) || i > 0 && h.Since.After(list[i-1].Since) {
			t.Errorf("%s at %v", h.State, h.Since)
		}
	}
	if got := strings.Join(states, ", "); got != "live, offline worker_crashed, live, starting" {
		t.Errorf("%s", got)
	}
	if d := list[1].Detail; !strings.Contains(d, "about to crash") {
		t.Errorf("detail %q", d)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var l stats
	if list := l.History(); len(list) != 0 {
		t.Errorf("%v", list)
	}
	for i := range 250 {
		l.recordChange(camera.StateChange{State: camera.Offline, Detail: strconv.Itoa(i)}, true)
	}
	l.recordChange(camera.StateChange{State: camera.Offline, Detail: strings.Repeat("é", 1000)}, false)
	list := l.History()
	if len(list) != 100 || list[0].Detail != strings.Repeat("é", 500) || list[1].Detail != "248" || list[99].Detail != "150" {
		t.Errorf("%d: %v", len(list), list)
	}
}
