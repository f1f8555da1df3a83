package source

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// A camera that repeats its picture is not live, whatever its rate, until the picture is another.
func TestFrozenCamera(t *testing.T) {
	worker := faulty(t, "frozen")
	c := start(t, Options{Worker: worker, Frozen: time.Second})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest)
	defer sub.Close()
	next(t, sub, false)
	s := c.reaches(t, camera.Stalled)
	if s.Reason != camera.Frozen {
		t.Errorf("stalled by %s (%s)", s.Reason, s.Detail)
	}
	next(t, sub, true)
	if err := os.WriteFile(filepath.Join(filepath.Dir(worker), "moved"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next(t, sub, false)
	if s := c.reaches(t, camera.Live); s.Counts.Restarts[camera.Frozen] != 0 {
		t.Error("opened anew, although it needed not to be")
	}
	c.reaches(t, camera.Stalled) // it stands still again
}

func TestWorkerThatTakesTooMuchMemory(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "hungry"), Memory: 100 << 20})
	s := c.reaches(t, camera.Offline)
	if s.Reason != camera.WorkerMemory || s.Counts.Restarts[camera.WorkerMemory] != 1 || s.Worker.LimitBytes != 100<<20 {
		t.Errorf("%s: %s", s.Reason, s.Detail)
	}
	c.reaches(t, camera.Live)
}

func TestWorkerIsRecycled(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "good"), Recycle: time.Second})
	topic, _ := c.Topic("")
	sub := topic.Subscribe(broker.Latest) // that worker gives pictures while they are wanted
	defer sub.Close()
	first := c.reaches(t, camera.Live).Worker.PID
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		s := c.Status()
		if s.State == camera.Live && s.Worker.PID != first {
			if s.Counts.Restarts[camera.Recycled] == 0 {
				t.Errorf("replaced for %v", s.Counts.Restarts)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s (%s), process %d, was %d", s.State, s.Reason, s.Worker.PID, first)
		}
	}
	if exists(first) {
		t.Error("the old process is still there")
	}
}

// A camera whose pictures have another size however often it is opened gets a pause between attempts.
func TestPicturesThatNeverFit(t *testing.T) {
	c := start(t, Options{Worker: faulty(t, "resizes")})
	if s := c.reaches(t, camera.Offline); s.Reason != camera.Resized || s.Retry.IsZero() {
		t.Errorf("%s: %s, next attempt %v", s.Reason, s.Detail, s.Retry)
	}
}
