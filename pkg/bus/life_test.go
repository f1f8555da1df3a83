package bus

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"camd/internal/peer"
	"camd/pkg/broker"
	"camd/pkg/camera"
)

func TestSiteThatGoesAndComesKeepsItsViewers(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard := newLocal("yard")
	site, stop := start(t, Options{URLs: []string{url}, Site: "north"})
	site.Offer([]Source{yard})
	relay, _ := start(t, Options{URLs: []string{url}, Relay: true})
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	yard.play(t, 2000, 10*time.Millisecond)
	v.next(false)

	stop()
	c := find(t, relay, "north.yard", camera.Offline)
	if s := c.Status(); s.Reason != camera.Unreachable || s.Detail != "camd at site north has ended" {
		t.Errorf("got %s, %q", s.Reason, s.Detail)
	}
	v.next(true)
	again, _ := start(t, Options{URLs: []string{url}, Site: "north"})
	again.Offer([]Source{yard})
	v.next(false)
	if c != find(t, relay, "north.yard", camera.Live) {
		t.Error("it is another camera now")
	}
}

func TestCameraTakenAwayEndsItsReaders(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard, gate := newLocal("yard", "preview"), newLocal("gate")
	site, _ := start(t, Options{URLs: []string{url}, Site: "north"})
	site.Offer([]Source{yard, gate})
	changes := make(chan struct{}, 100)
	relay, _ := start(t, Options{URLs: []string{url}, Relay: true, Changed: func() { changes <- struct{}{} }})
	v := watch(t, find(t, relay, "north.gate", camera.Live), camera.Main)
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
	site.Offer([]Source{yard})
	ctx, cancel := context.WithTimeout(context.Background(), peer.Deadline)
	defer cancel()
	if _, err := v.sub.Next(ctx); !errors.Is(err, broker.ErrEnded) {
		t.Errorf("got %v, want the end", err)
	}
	<-changes
	if got := ids(); !slices.Equal(got, []string{"north.yard"}) {
		t.Errorf("got %q", got)
	}
}

func TestCameraSwitchedOffIsNotSeenAsItWas(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard, _, relay := pairAt(t, url, url)
	c := find(t, relay, "north.yard", camera.Live)
	v := watch(t, c, camera.Main)
	stop := yard.play(t, 2000, 5*time.Millisecond)
	v.next(false)
	topic, _ := c.Topic(camera.Main)
	recorder := topic.Subscribe(broker.InOrder) // which has not come to what is there
	defer recorder.Close()
	stop()
	yard.become(camera.Paused, camera.None)
	find(t, relay, "north.yard", camera.Paused)
	v.next(true)
	for f := recorder.TryNext(); f != nil; f = recorder.TryNext() {
		if !f.Placeholder {
			t.Error("a picture is left of a camera that is switched off")
		}
	}
}

func TestOfflineCameraSaysWhy(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard, _, relay := pairAt(t, url, url)
	yard.become(camera.Offline, camera.NoDevice)
	c := find(t, relay, "north.yard", camera.Offline)
	if s := c.Status(); s.Reason != camera.NoDevice {
		t.Errorf("got %q", s.Reason)
	}
	watch(t, c, camera.Main).next(true)
}

func TestSecondPublisherOfACameraIsRefused(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard, site, relay := pairAt(t, url, url)
	find(t, relay, "north.yard", camera.Live)
	peer.Until(t, "the first to be older", func() bool {
		site.offers.mu.Lock()
		defer site.offers.mu.Unlock()
		return time.Since(site.offers.cameras["yard"].since) > tie
	})
	double, gate := newLocal("yard"), newLocal("gate")
	second, _ := start(t, Options{URLs: []string{url}, Site: "north"})
	second.Offer([]Source{double, gate})
	peer.Until(t, "the later one to step back", func() bool { return slices.Equal(second.State().Duplicates, []string{"yard"}) })
	// What only one of them has, they may share a site's name for.
	find(t, relay, "north.gate", camera.Live)
	v := watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	stop := double.play(t, 3000, 5*time.Millisecond)
	yard.play(t, 1000, 5*time.Millisecond)
	for range 20 {
		if f := v.next(false); len(f.JPEG) >= 3000 {
			t.Fatal("a picture of the later one")
		}
	}
	stop()
	if d := site.State().Duplicates; len(d) > 0 {
		t.Errorf("the older one steps back: %q", d)
	}
	if double.topics[camera.Main].Wanted() {
		t.Error("the later one publishes")
	}
}

func TestLaterPublisherTakesOverWhenTheFirstIsGone(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	first, stop := start(t, Options{URLs: []string{url}, Site: "north"})
	first.Offer([]Source{newLocal("yard")})
	peer.Until(t, "the first", func() bool { return first.State().Connected })
	second, _ := start(t, Options{URLs: []string{url}, Site: "north"})
	second.Offer([]Source{newLocal("yard")})
	var held *Bus
	peer.Until(t, "one to step back", func() bool {
		for _, b := range []*Bus{first, second} {
			if len(b.State().Duplicates) == 1 {
				held = b
			}
		}
		return held != nil
	})
	if held == second { // begun within a tie, names decide
		stop()
		peer.Until(t, "it to take over", func() bool { return len(second.State().Duplicates) == 0 })
	}
}

func TestNothingComesBack(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	// Each is a site, and a relay of the other.
	here, there := newLocal("yard"), newLocal("yard")
	a, _ := start(t, Options{URLs: []string{url}, Site: "north", Relay: true})
	b, _ := start(t, Options{URLs: []string{url}, Site: "south", Relay: true})
	a.Offer([]Source{here})
	b.Offer([]Source{there})
	v := watch(t, find(t, a, "south.yard", camera.Live), camera.Main)
	w := watch(t, find(t, b, "north.yard", camera.Live), camera.Main)
	here.play(t, 1000, 5*time.Millisecond)
	there.play(t, 3000, 5*time.Millisecond)
	for range 20 {
		if f := v.next(false); len(f.JPEG) < 3000 {
			t.Fatal("north got its own picture back")
		}
		if f := w.next(false); len(f.JPEG) >= 3000 {
			t.Fatal("south got its own picture back")
		}
	}
	if len(a.Cameras()) != 1 || len(b.Cameras()) != 1 {
		t.Errorf("got %d and %d cameras, want the other's one each", len(a.Cameras()), len(b.Cameras()))
	}
}

func TestSilentRelayIsForgotten(t *testing.T) {
	t.Parallel()
	url := engine(t).ClientURL()
	yard, _, relay := pairAt(t, url, url)
	watch(t, find(t, relay, "north.yard", camera.Live), camera.Main)
	peer.Until(t, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
	// Gone without a word.
	relay.relay.mu.Lock()
	relay.relay.over = true
	relay.relay.sites = map[string]*site{}
	relay.relay.mu.Unlock()
	peer.Until(t, "the end of demand", func() bool { return !yard.topics[camera.Main].Wanted() })
}
