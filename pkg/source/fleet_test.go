package source

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/source/spec"
)

// crew is a fleet whose Run is under way, and what it was last shown to be.
type crew struct {
	*Fleet
	shown []*Camera
	stop  func()
}

func newCrew(t *testing.T, wanted ...Options) *crew {
	t.Helper()
	f := &crew{Fleet: NewFleet(wanted)}
	f.shown = f.Cameras()
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

func (f *crew) change(t *testing.T, wanted ...Options) Changed {
	t.Helper()
	done, err := f.Change(t.Context(), wanted, func(now []*Camera) { f.shown = now })
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (f *crew) ids() (ids []string) {
	for _, c := range f.shown {
		ids = append(ids, c.Status().ID)
	}
	return ids
}

func TestFleet(t *testing.T) {
	worker := faulty(t, "quiet")
	options := func(id string, fps float64) Options {
		return Options{ID: id, Worker: worker, Stall: time.Minute, Source: spec.Source{Kind: spec.Test, Size: spec.Size{Width: 32, Height: 16}, FPS: fps}}
	}
	live := func(c *Camera) camera.Status { return (&running{Camera: c}).reaches(t, camera.Live) }
	f := newCrew(t, options("a", 5), options("b", 5), options("c", 5))
	before := map[string]camera.Status{}
	subs := map[string]*broker.Subscription{}
	for _, c := range f.shown {
		s := live(c)
		before[s.ID] = s
		topic, _ := c.Topic("")
		subs[s.ID] = topic.Subscribe(broker.InOrder)
		defer subs[s.ID].Close()
	}
	renamed := options("c", 5)
	renamed.Title = "Yard"
	done := f.change(t, options("d", 5), renamed, options("a", 6))
	if !slices.Equal(done.Added, []string{"d"}) || !slices.Equal(done.Removed, []string{"b"}) ||
		!slices.Equal(done.Adjusted, []string{"c"}) || !slices.Equal(done.Reopened, []string{"a"}) {
		t.Errorf("%+v", done)
	}
	if got := f.ids(); !slices.Equal(got, []string{"d", "c", "a"}) {
		t.Errorf("shown %v", got)
	}
	if exists(before["b"].Worker.PID) {
		t.Error("the process of the one that was taken out is still there")
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
	for _, c := range f.shown {
		s := live(c)
		if same := s.Worker.PID == before[s.ID].Worker.PID; same != (s.ID == "c") {
			t.Errorf("%s: process %d, was %d", s.ID, s.Worker.PID, before[s.ID].Worker.PID)
		}
	}
	if done := f.change(t, options("d", 5), renamed, options("a", 6)); done.Added != nil || done.Removed != nil || done.Adjusted != nil || done.Reopened != nil {
		t.Errorf("nothing changed, and %+v", done)
	}
	pid := live(f.shown[0]).Worker.PID
	f.stop()
	if exists(pid) {
		t.Error("a process outlives the fleet")
	}
	if _, err := f.Change(t.Context(), nil, func([]*Camera) { t.Error("shown") }); err == nil {
		t.Error("a fleet that has ended can be changed")
	}
}

// A camera that is taken out can be put in again, and is another one then.
func TestFleetTakesBack(t *testing.T) {
	o := Options{ID: "a", Worker: faulty(t, "quiet"), Source: spec.Source{Kind: spec.Test}}
	f := newCrew(t, o)
	first := f.shown[0]
	(&running{Camera: first}).reaches(t, camera.Live)
	f.change(t)
	if len(f.shown) != 0 {
		t.Errorf("shown %v", f.ids())
	}
	if _, err := first.Pause(t.Context(), true); !errors.Is(err, errGone) {
		t.Errorf("switched off: %v", err)
	}
	if err := first.Reconfigure(t.Context(), o); !errors.Is(err, errGone) {
		t.Errorf("reconfigured: %v", err)
	}
	f.change(t, o)
	if f.shown[0] == first {
		t.Fatal("it is the same")
	}
	(&running{Camera: f.shown[0]}).reaches(t, camera.Live)
}
