package bus

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

func TestSiteRestartKeepsViewers(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard := newFakeCamera("yard")
	site, stop := startBus(t, Options{URLs: []string{url}, Site: "north"})
	site.SetLocalCameras([]LocalCamera{yard})
	relay, _ := startBus(t, Options{URLs: []string{url}, Relay: true})
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	yard.play(t, 2000, 10*time.Millisecond)
	v.next(false)

	stop()
	c := waitCamera(t, relay, "north.yard", camera.Offline)
	if s := c.Status(); s.Reason != camera.Unreachable || s.Detail != "camd at site north has stopped" {
		t.Errorf("got %s, %q", s.Reason, s.Detail)
	}
	v.next(true)
	again, _ := startBus(t, Options{URLs: []string{url}, Site: "north"})
	again.SetLocalCameras([]LocalCamera{yard})
	v.next(false)
	if c != waitCamera(t, relay, "north.yard", camera.Live) {
		t.Error("the camera was replaced by another one")
	}
}

func TestRemovedCameraEndsReaders(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard, gate := newFakeCamera("yard", "preview"), newFakeCamera("gate")
	site, _ := startBus(t, Options{URLs: []string{url}, Site: "north"})
	site.SetLocalCameras([]LocalCamera{yard, gate})
	changes := make(chan struct{}, 100)
	relay, _ := startBus(t, Options{URLs: []string{url}, Relay: true, Changed: func() { changes <- struct{}{} }})
	v := watchTopic(t, waitCamera(t, relay, "north.gate", camera.Live), camera.Main)
	ids := func() (ids []string) {
		for _, c := range relay.Cameras() {
			ids = append(ids, c.ID())
		}
		return ids
	}
	if got := ids(); !slices.Equal(got, []string{"north.yard", "north.gate"}) {
		t.Errorf("got %q, want the site's order", got)
	}
	for len(changes) > 0 {
		<-changes
	}
	site.SetLocalCameras([]LocalCamera{yard})
	ctx, cancel := context.WithTimeout(context.Background(), testrun.Deadline)
	defer cancel()
	if _, err := v.sub.Next(ctx); !errors.Is(err, broker.ErrEnded) {
		t.Errorf("got %v, want the end of the stream", err)
	}
	<-changes
	if got := ids(); !slices.Equal(got, []string{"north.yard"}) {
		t.Errorf("got %q", got)
	}
}

func TestPausedCameraShowsNoOldFrame(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard, _, relay := startPair(t, url, url)
	c := waitCamera(t, relay, "north.yard", camera.Live)
	v := watchTopic(t, c, camera.Main)
	stop := yard.play(t, 2000, 5*time.Millisecond)
	v.next(false)
	topic, _ := c.Topic(camera.Main)
	recorder := topic.Subscribe(broker.InOrder) // it has not read the frames in the ring
	defer recorder.Close()
	stop()
	yard.setState(camera.Paused, camera.None)
	waitCamera(t, relay, "north.yard", camera.Paused)
	v.next(true)
	for f := recorder.TryNext(); f != nil; f = recorder.TryNext() {
		if !f.Placeholder {
			t.Error("the ring has a picture of a camera that is turned off")
		}
	}
}

func TestOfflineCameraHasReason(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard, _, relay := startPair(t, url, url)
	yard.setState(camera.Offline, camera.NoDevice)
	c := waitCamera(t, relay, "north.yard", camera.Offline)
	if s := c.Status(); s.Reason != camera.NoDevice {
		t.Errorf("got %q", s.Reason)
	}
	watchTopic(t, c, camera.Main).next(true)
}

func TestSecondPublisherOfACameraIsRefused(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard, site, relay := startPair(t, url, url)
	waitCamera(t, relay, "north.yard", camera.Live)
	testrun.WaitFor(t, "the first to be older", func() bool {
		site.localSite.mu.Lock()
		defer site.localSite.mu.Unlock()
		return time.Since(site.localSite.cameras["yard"].since) > claimTolerance
	})
	double, gate := newFakeCamera("yard"), newFakeCamera("gate")
	second, _ := startBus(t, Options{URLs: []string{url}, Site: "north"})
	second.SetLocalCameras([]LocalCamera{double, gate})
	testrun.WaitFor(t, "the later one to stop publishing", func() bool { return slices.Equal(second.State().Duplicates, []string{"yard"}) })
	// Two instances may share a site name if they have different cameras.
	waitCamera(t, relay, "north.gate", camera.Live)
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	stop := double.play(t, 3000, 5*time.Millisecond)
	yard.play(t, 1000, 5*time.Millisecond)
	for range 20 {
		if f := v.next(false); len(f.Data) >= 3000 {
			t.Fatal("got a picture of the later instance")
		}
	}
	stop()
	if d := site.State().Duplicates; len(d) > 0 {
		t.Errorf("the older instance stopped publishing: %q", d)
	}
	if double.topics[camera.Main].Wanted() {
		t.Error("the later instance publishes")
	}
}

func TestLaterPublisherTakesOverWhenTheFirstLeaves(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	first, stop := startBus(t, Options{URLs: []string{url}, Site: "north"})
	first.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
	testrun.WaitFor(t, "the first", func() bool { return first.State().Connected })
	second, _ := startBus(t, Options{URLs: []string{url}, Site: "north"})
	second.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
	var held *Bus
	testrun.WaitFor(t, "one instance to stop publishing", func() bool {
		for _, b := range []*Bus{first, second} {
			if len(b.State().Duplicates) == 1 {
				held = b
			}
		}
		return held != nil
	})
	if held == second { // they started at about the same time, so names decide
		stop()
		testrun.WaitFor(t, "the other instance to publish the camera", func() bool { return len(second.State().Duplicates) == 0 })
	}
}

func TestSiteDoesNotRelayItself(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	// Each is a site, and a relay of the other.
	here, there := newFakeCamera("yard"), newFakeCamera("yard")
	a, _ := startBus(t, Options{URLs: []string{url}, Site: "north", Relay: true})
	b, _ := startBus(t, Options{URLs: []string{url}, Site: "south", Relay: true})
	a.SetLocalCameras([]LocalCamera{here})
	b.SetLocalCameras([]LocalCamera{there})
	v := watchTopic(t, waitCamera(t, a, "south.yard", camera.Live), camera.Main)
	w := watchTopic(t, waitCamera(t, b, "north.yard", camera.Live), camera.Main)
	here.play(t, 1000, 5*time.Millisecond)
	there.play(t, 3000, 5*time.Millisecond)
	for range 20 {
		if f := v.next(false); len(f.Data) < 3000 {
			t.Fatal("north got its own picture back")
		}
		if f := w.next(false); len(f.Data) >= 3000 {
			t.Fatal("south got its own picture back")
		}
	}
	if len(a.Cameras()) != 1 || len(b.Cameras()) != 1 {
		t.Errorf("got %d and %d cameras, want one each, of the other site", len(a.Cameras()), len(b.Cameras()))
	}
}

func TestSilentRelayIsForgotten(t *testing.T) {
	t.Parallel()
	url := startServer(t).ClientURL()
	yard, _, relay := startPair(t, url, url)
	watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
	// The relay disappears without a message.
	relay.relay.mu.Lock()
	relay.relay.closed = true
	relay.relay.sites = map[string]*remoteSite{}
	relay.relay.mu.Unlock()
	testrun.WaitFor(t, "the end of demand", func() bool { return !yard.topics[camera.Main].Wanted() })
}
