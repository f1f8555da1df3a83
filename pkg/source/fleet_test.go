package source

import (
	"go.uber.org/zap"

	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

// runningFleet is a fleet that runs, with its current cameras.
type runningFleet struct {
	*Fleet
	current []*Camera
	stop    func()
}

func startFleet(t *testing.T, wanted ...Options) *runningFleet {
	t.Helper()
	f := &runningFleet{Fleet: NewFleet(wanted, nil, zap.NewNop())}
	f.current = f.Cameras()
	f.stop = runFleet(t, f.Fleet)
	return f
}

// runFleet runs a fleet until the test ends or stop is called.
func runFleet(t *testing.T, f *Fleet) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (r *runningFleet) reconfigure(t *testing.T, wanted ...Options) FleetChange {
	t.Helper()
	done, err := r.Reconfigure(t.Context(), wanted, func(now []*Camera) { r.current = now })
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (r *runningFleet) ids() (ids []string) {
	for _, c := range r.current {
		ids = append(ids, c.Status().ID)
	}
	return ids
}

func TestFleetReconfigureChangesOnlyAffectedCameras(t *testing.T) {
	worker := faultyWorker(t, "quiet")
	options := func(id string, fps float64) Options {
		return Options{Camera: options.Camera{ID: id, StallTimeout: time.Minute, Source: sourceurl.Source{Kind: sourceurl.Test, Size: sourceurl.Size{Width: 32, Height: 16}, FPS: fps}}, WorkerPath: worker}
	}
	live := func(c *Camera) camera.Status { return (&runningCamera{Camera: c}).waitForState(t, camera.Live) }
	f := startFleet(t, options("a", 5), options("b", 5), options("c", 5))
	before := map[string]camera.Status{}
	subs := map[string]*broker.Subscription{}
	for _, c := range f.current {
		s := live(c)
		before[s.ID] = s
		topic, _ := c.Topic("")
		subs[s.ID] = topic.Subscribe(broker.InOrder)
		defer subs[s.ID].Close()
	}
	renamed := options("c", 5)
	renamed.Title = "Yard"
	done := f.reconfigure(t, options("d", 5), renamed, options("a", 6))
	if !slices.Equal(done.Added, []string{"d"}) || !slices.Equal(done.Removed, []string{"b"}) ||
		!slices.Equal(done.Adjusted, []string{"c"}) || !slices.Equal(done.Reopened, []string{"a"}) {
		t.Errorf("%+v", done)
	}
	if got := f.ids(); !slices.Equal(got, []string{"d", "c", "a"}) {
		t.Errorf("shown %v", got)
	}
	if processExists(before["b"].Worker.PID) {
		t.Error("the process of the removed camera is still there")
	}
	for id, sub := range subs {
		var err error
		for err == nil && (id == "b" || sub.Stats().Received < before[id].Counts.Captured) {
			_, err = sub.Next(t.Context())
		}
		if ended := errors.Is(err, broker.ErrEnded); ended != (id == "b") {
			t.Errorf("readers of %s: %v", id, err)
		}
	}
	for _, c := range f.current {
		s := live(c)
		if same := s.Worker.PID == before[s.ID].Worker.PID; same != (s.ID == "c") {
			t.Errorf("%s: process %d, was %d", s.ID, s.Worker.PID, before[s.ID].Worker.PID)
		}
	}
	if done := f.reconfigure(t, options("d", 5), renamed, options("a", 6)); done.Added != nil || done.Removed != nil || done.Adjusted != nil || done.Reopened != nil {
		t.Errorf("nothing has changed, but got %+v", done)
	}
	pid := live(f.current[0]).Worker.PID
	f.stop()
	if processExists(pid) {
		t.Error("a process outlives the fleet")
	}
	if _, err := f.Reconfigure(t.Context(), nil, func([]*Camera) { t.Error("shown") }); err == nil {
		t.Error("a fleet that has ended can be changed")
	}
}

// A camera that was removed can be added again. It is a new Camera then.
func TestFleetRunsRemovedCameraAgain(t *testing.T) {
	o := Options{Camera: options.Camera{ID: "a", Source: sourceurl.Source{Kind: sourceurl.Test}}, WorkerPath: faultyWorker(t, "quiet")}
	f := startFleet(t, o)
	first := f.current[0]
	(&runningCamera{Camera: first}).waitForState(t, camera.Live)
	f.reconfigure(t)
	if len(f.current) != 0 {
		t.Errorf("shown %v", f.ids())
	}
	if _, err := first.SetPaused(t.Context(), true); !errors.Is(err, errCameraEnded) {
		t.Errorf("turned off: %v", err)
	}
	if err := first.Reconfigure(t.Context(), o); !errors.Is(err, errCameraEnded) {
		t.Errorf("reconfigured: %v", err)
	}
	f.reconfigure(t, o)
	if f.current[0] == first {
		t.Fatal("it is the same")
	}
	(&runningCamera{Camera: f.current[0]}).waitForState(t, camera.Live)
}
