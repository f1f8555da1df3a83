package source

import (
	"go.uber.org/zap"

	"testing"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

func isGranted(s *startSlot) bool {
	select {
	case <-s.granted():
		return true
	default:
		return false
	}
}

func TestStartQueueGrantsInOrder(t *testing.T) {
	q := newStartQueue(2)
	var slots []*startSlot
	for range 6 {
		slots = append(slots, q.join())
	}
	check := func(when string, want ...bool) {
		t.Helper()
		for i, w := range want {
			if got := isGranted(slots[i]); got != w {
				t.Errorf("%s: slot %d granted = %v, want %v", when, i, got, w)
			}
		}
	}
	check("at first", true, true, false, false, false, false)
	slots[2].release() // a camera that is removed while it waits
	check("after one has left", true, true, false, false, false, false)
	slots[1].release()
	slots[1].release() // a second release does nothing
	check("after one slot is free", true, true, false, true, false, false)
	slots[0].release()
	slots[3].release()
	check("after three slots are free", true, true, false, true, true, true)
	slots[4].release()
	slots[5].release()
	if q.free != 2 || len(q.waiting) != 0 {
		t.Errorf("%d slots free and %d waiting at the end, want 2 and 0", q.free, len(q.waiting))
	}
	var none *startSlot
	none.release()
	if isGranted(none) {
		t.Error("no slot is granted")
	}
}

// A process that loads for too long loses its slot, so that others can start. It is replaced much later.
func TestHangingStartFreesItsSlot(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "loading")})
	s := newSupervisor(c)
	defer s.stopWorker()
	s.openIfNeeded()
	s.startWorker()
	begun := s.started
	other := c.startQueue.join()
	for _, check := range []struct {
		after            time.Duration
		granted, running bool
	}{
		{slotTimeout - time.Second, false, true},
		{slotTimeout, true, true},
		{loadTimeout, true, true},
		{loadTimeout + time.Second, true, false},
	} {
		s.tick(begun.Add(check.after))
		if got := isGranted(other); got != check.granted {
			t.Errorf("after %v: the other camera may start = %v, want %v", check.after, got, check.granted)
		}
		if got := s.worker != nil; got != check.running {
			t.Errorf("after %v: a process runs = %v, want %v", check.after, got, check.running)
		}
	}
	if n := c.Status().Counts.Restarts[camera.WorkerHung]; n != 1 {
		t.Errorf("%d hung processes counted, want 1", n)
	}
}

// The open timeout begins when OpenCV is loaded, and the start slot is free from then on.
func TestOpenTimeoutBeginsWhenLoaded(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "silent")})
	s := newSupervisor(c)
	defer s.stopWorker()
	s.openIfNeeded()
	s.startWorker()
	other := c.startQueue.join()
	s.tick(s.started.Add(s.opts.OpenTimeout + hangMargin + time.Second))
	if s.worker == nil {
		t.Fatal("the process was stopped before it had loaded OpenCV")
	}
	s.handleEvent(<-s.events)
	if !s.loaded || !isGranted(other) {
		t.Fatalf("loaded = %v, another camera may start = %v, want both", s.loaded, isGranted(other))
	}
	begun := s.lastProgress
	s.handleEvent(loadedEvent{}) // a second one does not extend the timeout
	if s.lastProgress != begun {
		t.Error("the open timeout began twice")
	}
	s.tick(s.lastProgress.Add(s.opts.OpenTimeout + hangMargin))
	if s.worker == nil {
		t.Fatal("the process was stopped within the open timeout")
	}
	s.tick(s.lastProgress.Add(s.opts.OpenTimeout + hangMargin + time.Second))
	if s.worker != nil || c.Status().Counts.Restarts[camera.Timeout] != 1 {
		t.Errorf("restarts %v, want one by timeout", c.Status().Counts.Restarts)
	}
}

// All cameras of a fleet become live although only one process may load at a time.
func TestFleetWithOneStartSlot(t *testing.T) {
	var wanted []Options
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		wanted = append(wanted, Options{Camera: options.Camera{ID: id, StallTimeout: time.Minute, Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "quiet")})
	}
	wanted[2].WorkerPath = "/nowhere/" + WorkerName
	f := NewFleet(wanted, nil, zap.NewNop())
	f.startQueue.free = 1
	runFleet(t, f)
	for i, c := range f.Cameras() {
		want := camera.Live
		if i == 2 {
			want = camera.Offline
		}
		(&runningCamera{Camera: c}).waitForState(t, want)
	}
}
