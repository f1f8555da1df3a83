package source

import (
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

func TestStoppedDetectorReportsLongStops(t *testing.T) {
	type look struct {
		stopped bool
		cpu     float64
	}
	for _, c := range []struct {
		name  string
		looks []look
		want  bool
	}{
		{"stopped for good", []look{{true, 1}, {true, 1}, {true, 1}}, true},
		{"not for long enough", []look{{true, 1}, {true, 1}}, false},
		{"continued", []look{{true, 1}, {true, 1}, {false, 1}, {true, 1}, {true, 1}}, false},
		{"stopped in turns by a CPU limiter", []look{{true, 1}, {true, 1.1}, {true, 1.2}, {true, 1.3}, {true, 1.4}}, false},
		{"silent without being stopped", []look{{false, 1}, {false, 1}, {false, 1}, {false, 1}, {false, 1}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h sigstopDetector
			got := false
			for _, l := range c.looks {
				got = h.check(l.stopped, l.cpu)
			}
			if got != c.want {
				t.Errorf("to be replaced = %v, want %v", got, c.want)
			}
		})
	}
}

// A process that SIGSTOP has stopped is killed at once, because it cannot react to a request to stop or to SIGTERM.
func TestStoppedProcessIsKilledWithoutGrace(t *testing.T) {
	c := New(Options{Camera: options.Camera{ID: "cam", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "silent"), StopGracePeriod: time.Hour})
	s := newSupervisor(c)
	s.openIfNeeded()
	s.startWorker()
	defer s.stopWorker()
	s.handleEvent(<-s.events)
	pid := s.worker.pid()
	if err := testpeer.Signal(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testrun.WaitFor(t, "the process to be stopped", func() bool { _, stopped := s.readProcess(&s.usage); return stopped })
	for i := range maxStoppedChecks {
		if s.worker == nil {
			t.Fatalf("the process was ended after %d checks, want %d", i, maxStoppedChecks)
		}
		s.tick(time.Now())
	}
	if s.worker != nil || processExists(pid) || c.Status().Counts.Restarts[camera.WorkerHung] != 1 {
		t.Errorf("a process runs = %v, the old one exists = %v, restarts %v", s.worker != nil, processExists(pid), c.Status().Counts.Restarts)
	}
}
