package capture

import (
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/camera"
	"camd/pkg/source/wire"
)

func TestSchedulerReturnsDueRenditions(t *testing.T) {
	const (
		main = 1 << iota
		every
		rare
		hardly // effectively never again
	)
	d := newScheduler(wire.Renditions{List: []camera.Rendition{{}, {FPS: 0.5}, {FPS: 1e-300}}})
	var count uint64
	expectDue := func(seconds float64, want uint32) {
		t.Helper()
		count++
		if got := d.dueRenditions(int64(seconds*1e9), count); got != want {
			t.Errorf("at %v s: got %04b, want %04b", seconds, got, want)
		}
	}
	expectLate := func(seconds float64, count uint64, want uint32) {
		t.Helper()
		if got := d.lateRenditions(int64(seconds*1e9), count); got != want {
			t.Errorf("picture %d: late renditions %04b, want %04b", count, got, want)
		}
	}
	expectDue(1, main) // one picture a second without demand
	expectDue(1.5, 0)
	for r := range uint8(3) {
		d.setDemand(wire.Demand{Rendition: r + 1, Wanted: true})
	}
	expectLate(1, count-1, 0) // there is a newer one
	expectLate(1.5, count, every|rare|hardly)
	expectLate(1.5, count, 0) // they have been made
	expectDue(2, main|every)
	expectDue(3.4, main|every)
	expectDue(3.5, every|rare)
	d.setDemand(wire.Demand{Rendition: 2, Wanted: true}) // requested again
	expectLate(3.5, count, rare)
	d.setDemand(wire.Demand{Rendition: 2, Wanted: false})
	expectLate(3.5, count, 0)
	expectDue(3600, main|every)
	d.setDemand(wire.Demand{Rendition: 0, Wanted: true})
	d.setDemand(wire.Demand{Rendition: 2, Wanted: true})
	expectDue(3600.1, main|every|rare)
	expectDue(3600.2, main|every)
}

// A rendition whose definition has changed is made at once, and then as often as camd has asked before.
func TestSchedulerKeepsDemandOfChangedRendition(t *testing.T) {
	d := newScheduler(wire.Renditions{List: []camera.Rendition{{Width: 32, FPS: 1}}})
	d.setMainRule(mainNever)
	d.setDemand(wire.Demand{Rendition: 1, Wanted: true, Period: 10 * time.Second})
	for i, tt := range []struct {
		second int64
		change camera.Rendition
		want   uint32
	}{
		{1, camera.Rendition{Width: 32, FPS: 1}, 2},
		{2, camera.Rendition{Width: 32, FPS: 1}, 0},
		{3, camera.Rendition{Width: 16}, 2},
		{4, camera.Rendition{Width: 16}, 0},
		{14, camera.Rendition{Width: 16}, 2},
	} {
		d.setRenditions(wire.Renditions{List: []camera.Rendition{tt.change}})
		if got := d.dueRenditions(tt.second*int64(time.Second), uint64(i+1)); got != tt.want {
			t.Errorf("at %d s: %b, want %b", tt.second, got, tt.want)
		}
	}
}

// A viewer of a slow camera's preview does not wait for its next picture.
func TestPreviewIsMadeOfTheNewestPictureAtOnce(t *testing.T) {
	d := startCapture(t, wire.Start{Source: "test://?size=64x48&fps=0.2", ReadTimeout: testrun.Deadline, Renditions: []camera.Rendition{{Width: 32, FPS: 0.05, Quality: 60}}})
	main, _ := d.frame()
	d.send(wire.Demand{Wanted: true})
	for range 2 { // and requested again
		d.send(wire.Demand{Rendition: 1, Wanted: true})
		if f, p := d.frame(); f.Rendition != 1 || f.Count != main.Count || f.Captured != main.Captured || p.Width != 32 {
			t.Errorf("got %+v, %d wide, after %+v", f, p.Width, main)
		}
	}
	if f, _ := d.frame(); f.Rendition != 0 || f.Count != 2 {
		t.Errorf("got %+v, want picture 2 in main alone", f)
	}
	d.send(wire.Demand{Rendition: 1})
	d.send(wire.Demand{Rendition: 1, Wanted: true})
	if f, _ := d.frame(); f.Rendition != 1 || f.Count != 2 {
		t.Errorf("got %+v, want picture 2 in the rendition", f)
	}
}
