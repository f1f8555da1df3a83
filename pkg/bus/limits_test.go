package bus

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// newLimitedRelay returns a bus that is a relay with limits, without a connection.
func newLimitedRelay(t testing.TB, l SiteLimits) *Bus {
	t.Helper()
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true, SiteLimits: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.relay.endTopics)
	return b
}

// announce gives a bus an announcement as it comes from the connection.
func (b *Bus) announce(t testing.TB, site string, w announcement) {
	t.Helper()
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	b.receiveNow(&nats.Msg{Subject: b.subjects.site(site), Data: data})
}

// announceForged announces n sites with one camera each, with numbers from from.
func (b *Bus) announceForged(t testing.TB, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		b.announce(t, fmt.Sprint("forged", i), announce(testInstance(i), []string{"yard"}))
	}
}

// stateOf returns the state of a camera of site north.
func (b *Bus) stateOf(id string) camera.State {
	c := b.relay.sites["north"].cameras[id]
	c.updateState(time.Now(), 0)
	return c.Status().State
}

func TestKnownSiteIsReadDuringFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimitedRelay(t, SiteLimits{Sites: 10, Cameras: 20})
		b.announce(t, "north", announce(testPublisher, []string{"yard", "hall"}))
		forged := 0
		for second := range 120 {
			for range 4 {
				b.announceForged(t, forged, 100)
				forged += 100
				time.Sleep(pollInterval)
				b.relay.refresh()
			}
			w := announce(testPublisher, []string{"yard", "hall"})
			w.Cameras[0].State = []camera.State{camera.Live, camera.Idle}[second%2]
			b.announce(t, "north", w)
			if got := b.stateOf("yard"); got != w.Cameras[0].State {
				t.Fatalf("second %d: the camera is %s, want %s", second, got, w.Cameras[0].State)
			}
			if len(b.relay.sites) > 10 || b.relay.cameras > 20 {
				t.Fatalf("second %d: %d sites with %d cameras", second, len(b.relay.sites), b.relay.cameras)
			}
		}
		if s := b.State(); s.Refused[TooFast] == 0 || s.Refused[TooManySites] == 0 {
			t.Errorf("refused %v, want refusals of both reasons", s.Refused)
		}
	})
}

func TestNewSiteReplacesOnlyARecentSilentOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimitedRelay(t, SiteLimits{Sites: 3})
		b.announce(t, "north", announce(testPublisher, []string{"yard"}))
		for begin := time.Now(); time.Since(begin) <= establishedAfter; {
			time.Sleep(announcementInterval)
			b.announce(t, "north", announce(testPublisher, []string{"yard"}))
			b.relay.refresh()
		}
		b.announceForged(t, 0, 2)
		b.announce(t, "south", announce(testInstance(9), []string{"gate"}))
		if b.relay.sites["south"] != nil {
			t.Error("a new site replaced a site that is not silent")
		}
		time.Sleep(2 * silenceTimeout) // all are silent
		b.relay.refresh()
		b.announce(t, "south", announce(testInstance(9), []string{"gate"}))
		b.announceForged(t, 10, 5)
		if b.relay.sites["north"] == nil || b.relay.sites["south"] == nil || len(b.relay.sites) != 3 {
			t.Errorf("%d sites, want north, south and one other", len(b.relay.sites))
		}
		time.Sleep(time.Hour)
		b.relay.refresh()
		if got, want := b.relay.listCameras(t), []string{"north.yard"}; len(got) > 0 && !slices.Equal(got, want) {
			t.Errorf("got %q after an hour, want at most %q", got, want)
		}
	})
}

func TestCamerasBeyondTheLimitAreLeftOutAndKnownOnesKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimitedRelay(t, SiteLimits{Cameras: 5})
		b.announce(t, "north", announce(testInstance(1), []string{"a", "b"}))
		b.announce(t, "south", announce(testInstance(2), []string{"c", "d"}))
		w := announce(testInstance(1), []string{"x", "y", "z", "a", "b"})
		w.Cameras[3].State = camera.Idle
		b.announce(t, "north", w)
		if got, want := b.relay.listCameras(t), []string{"north.x", "north.a", "north.b", "south.c", "south.d"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := b.stateOf("a"); got != camera.Idle {
			t.Errorf("a known camera is %s, want its new state", got)
		}
		if n := b.State().Refused[TooManyCameras]; n != 1 {
			t.Errorf("%d refused, want 1", n)
		}
		north := b.relay.sites["north"]
		if _, ask := north.handleAnnouncement(announcement{Version: protocolVersion, Instance: testInstance(1), SentAt: time.Now(), Revision: 1}, time.Now()); ask {
			t.Error("requested cameras that do not fit")
		}
		b.announce(t, "south", announce(testInstance(2), nil))
		if _, ask := north.handleAnnouncement(announcement{Version: protocolVersion, Instance: testInstance(1), SentAt: time.Now(), Revision: 1}, time.Now()); !ask {
			t.Error("did not request the other cameras when there was room")
		}
	})
}

func TestSiteCamerasAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimitedRelay(t, SiteLimits{})
		for instance := range maxInstances {
			var cameras []string
			for i := range maxCamerasPerInstance {
				cameras = append(cameras, fmt.Sprintf("c%d-%d", instance, i))
			}
			time.Sleep(time.Minute) // lets the quota recover, which another test covers
			b.announce(t, "forged", announce(testInstance(instance), cameras))
		}
		if n := b.relay.sites["forged"].announced; n != maxCamerasPerSite {
			t.Errorf("%d cameras of one site, want %d", n, maxCamerasPerSite)
		}
		b.announce(t, "north", announce(testPublisher, []string{"yard"}))
		if !slices.Contains(b.relay.listCameras(t), "north.yard") {
			t.Error("another site does not fit")
		}
	})
}

// A camera that nobody has requested has no topics and no series.
func TestAnnouncedCameraHasNoTopicUntilAskedFor(t *testing.T) {
	b := newLimitedRelay(t, SiteLimits{})
	b.announce(t, "north", announce(testPublisher, []string{"yard"}, "preview"))
	b.relay.refresh()
	c := b.Cameras()[0]
	c.Status()
	c.updateState(time.Now(), 0)
	if got := c.Renditions(); len(c.receivers) > 0 || len(b.State().Received) > 0 || !slices.Equal(got, []string{"main", "preview"}) {
		t.Errorf("%d streams of %q before a request", len(c.receivers), got)
	}
	if _, ok := c.Topic("preview"); !ok || len(c.receivers) != 1 || len(b.State().Received) != 1 {
		t.Errorf("%d streams, want only the requested one", len(c.receivers))
	}
	if _, ok := c.Topic("other"); ok {
		t.Error("a rendition that is not announced has a topic")
	}
}

// A new instance that claims to have had a camera for years does not take it from the instance that has it.
func TestForgedClaimDoesNotTakeACamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLimitedRelay(t, SiteLimits{})
		owner := func() string { return b.relay.sites["north"].cameras["yard"].instance }
		beats := func(instances ...int) {
			for range 10 {
				time.Sleep(announcementInterval)
				for _, i := range instances {
					w := announce(testInstance(i), []string{"yard"})
					w.Cameras[0].HeldSeconds = 1e9
					if i == 0 {
						w.Cameras[0].HeldSeconds = 60
					}
					b.announce(t, "north", w)
				}
				b.relay.refresh()
			}
		}
		beats(0)
		beats(0, 1, 2, 3)
		if got := owner(); got != testInstance(0) {
			t.Errorf("%s has the camera, want %s", got, testInstance(0))
		}
		if b.State().Refused[UnprovenClaim] == 0 {
			t.Error("the unproven claim was not counted")
		}
		// A camera without another owner may be older than this relay's knowledge of it.
		claims := b.State().Refused[UnprovenClaim]
		moved := announce(testInstance(4), []string{"gate"})
		moved.Cameras[0].HeldSeconds = 3600
		b.announce(t, "north", moved)
		if n := b.State().Refused[UnprovenClaim]; n != claims {
			t.Error("a camera without another owner counts as an unproven claim")
		}
		beats(1, 2, 3) // another instance may publish the camera while the first is silent
		beats(0, 1, 2, 3)
		if got := owner(); got != testInstance(0) {
			t.Errorf("%s has the camera after a silence, want %s", got, testInstance(0))
		}
	})
}

// A site keeps its camera when a new instance claims to have had it for years.
func TestForgedClaimDoesNotStopASite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
		if err != nil {
			t.Fatal(err)
		}
		b.SetLocalCameras([]LocalCamera{newFakeCamera("yard")})
		defer b.localSite.announceLeaving()
		b.localSite.extendInterests() // connected
		claim := func(i int) {
			w := announce(testInstance(i), []string{"yard"})
			w.Cameras[0].HeldSeconds = 1e9
			b.announce(t, "north", w)
			b.localSite.announceChanges()
		}
		time.Sleep(time.Minute)
		for i := range 100 {
			claim(i)
			time.Sleep(announcementInterval)
		}
		if s := b.State(); len(s.Duplicates) > 0 || s.Refused[UnprovenClaim] == 0 {
			t.Errorf("the site stopped publishing %q; refused %v", s.Duplicates, s.Refused)
		}
		// An instance that is heard right after this one has connected may be older.
		b.localSite.extendInterests()
		time.Sleep(time.Second)
		claim(1000)
		if s := b.State(); len(s.Duplicates) != 1 {
			t.Errorf("the site still publishes a camera of an older instance: %q", s.Duplicates)
		}
	})
}

func TestForgedInterestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
		if err != nil {
			t.Fatal(err)
		}
		var cameras []LocalCamera
		all := map[string][]string{}
		for i := range 100 {
			c := newFakeCamera(fmt.Sprint("c", i), "preview")
			cameras = append(cameras, c)
			all[c.id] = []string{camera.Main, "preview", strings.Repeat("x", 100)}
		}
		b.SetLocalCameras(cameras)
		b.connection.isUp = true
		defer b.localSite.announceLeaving()
		say := func(relay string, watch map[string][]string) {
			data, _ := json.Marshal(interest{Version: protocolVersion, Relay: relay, Watch: watch})
			b.localSite.handleInterest(&nats.Msg{Data: data})
		}
		say(testPublisher, map[string][]string{"c0": {camera.Main}})
		for i := range 400 {
			say(testInstance(i), all)
			time.Sleep(10 * time.Millisecond)
			if i%100 == 0 {
				say(testPublisher, map[string][]string{"c0": {camera.Main}})
				b.localSite.announceChanges()
			}
			if b.localSite.interests[testPublisher] == nil {
				t.Fatalf("the known relay was removed after %d others", i)
			}
			if b.localSite.interestCount > maxInterests+200 {
				t.Fatalf("got interest in %d renditions, want at most %d", b.localSite.interestCount, maxInterests)
			}
		}
		if b.State().Refused[TooManyRelays] == 0 {
			t.Error("nothing was refused")
		}
		for range 2 * silenceTimeout / pollInterval {
			time.Sleep(pollInterval)
			b.localSite.announceChanges()
		}
		if b.localSite.interestCount != 0 || len(b.localSite.interests) != 0 {
			t.Errorf("got %d renditions of %d relays, want none", b.localSite.interestCount, len(b.localSite.interests))
		}
	})
}

// A relay beyond the limit still gets its pictures.
func TestInterestBeyondLimitIsServed(t *testing.T) {
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Site: "north"})
	if err != nil {
		t.Fatal(err)
	}
	b.SetLocalCameras([]LocalCamera{newFakeCamera("yard"), newFakeCamera("hall")})
	defer b.localSite.announceLeaving()
	yard, hall := map[streamKey]bool{{"yard", "main"}: true}, map[streamKey]bool{{"hall", "main"}: true}
	for i := range maxRelays {
		b.localSite.storeInterest(testInstance(i), yard, time.Now())
	}
	b.localSite.storeInterest(testPublisher, hall, time.Now())
	b.localSite.updateSenders()
	if !sentStream(b, "hall", "main").Watched || b.State().Refused[TooManyRelays] != 1 {
		t.Errorf("a relay beyond the limit gets nothing; refused %v", b.State().Refused)
	}
}

func TestPendingPiecesAreBounded(t *testing.T) {
	refused := 0
	u := &pendingPieces{refuse: func(string) { refused++ }}
	piece := make([]byte, 1<<20)
	var endless [3]reassembler
	for i := range endless {
		for n := 1; n <= 30; n++ {
			endless[i].add(header{seq: 1, piece: n, pieces: 32, bytes: 32 << 20}, piece, time.Now(), u)
			if u.bytes > maxPendingPieceBytes {
				t.Fatalf("%d bytes are held", u.bytes)
			}
		}
	}
	var honest reassembler
	for n := 1; n <= 4; n++ {
		if _, _, whole := honest.add(header{seq: 1, piece: n, pieces: 4, bytes: 4 << 20}, piece, time.Now(), u); whole != (n == 4) {
			t.Errorf("piece %d of 4: whole %v", n, whole)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	for i := range endless {
		endless[i].reset(u)
	}
	if u.bytes != 0 || u.pictures.Len() != 0 {
		t.Errorf("got %d bytes of %d pictures, want none", u.bytes, u.pictures.Len())
	}
}

func TestRefusalsAreLoggedOnceAMinuteForEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zap.DebugLevel)
		r := newRefusals(zap.New(core))
		for range 250 { // seconds
			for range 100 {
				r.add(TooFast)
				r.add(WrongPublisher)
			}
			r.logNew(time.Now())
			time.Sleep(time.Second)
		}
		if got, want := log.Len(), 2*5; got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
		for _, cause := range RefusedCauses {
			if remedies[cause] == "" {
				t.Errorf("no remedy for %q", cause)
			}
		}
	})
}

// While other clients of the NATS server flood it, an honest site loses no picture and no state.
func TestKnownSiteLosesNothingDuringFlood(t *testing.T) {
	t.Parallel()
	url := testpeer.ServeNATS(t, "").URL
	yard, site, relay := startPair(t, url, url)
	c := waitCamera(t, relay, "north.yard", camera.Live)
	v := watchTopic(t, c, camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
	forger, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	yard.publish(20_000)
	v.next(false)
	forged := 0
	for round := range 20 {
		for range 500 {
			forged++
			data, _ := json.Marshal(announce(testInstance(forged), []string{"yard"}))
			for _, subject := range []string{fmt.Sprint("camd.forged", forged), "camd.north", "camd.north.want", "camd.north.yard.main"} {
				if err := forger.Publish(subject, data); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := forger.FlushTimeout(testrun.Deadline); err != nil {
			t.Fatal(err)
		}
		want := yard.publish(20_000)
		for f := v.next(false); f.Captured.Before(want.Captured.Add(-time.Millisecond)); f = v.next(false) {
		}
		state := []camera.State{camera.Idle, camera.Live}[round%2]
		yard.setState(state, camera.None)
		waitCamera(t, relay, "north.yard", state)
	}
	// On a busy machine the site may start to send again, and then counts its newest frame twice.
	testrun.WaitFor(t, "all frames to be counted", func() bool {
		return sentStream(site, "yard", camera.Main).Passed >= 21 && receivedStream(relay, "north.yard", camera.Main).Passed >= 21
	})
	if out := sentStream(site, "yard", camera.Main); out.accountedFor() != out.Passed {
		t.Errorf("the site passed %d frames and accounted for %d", out.Passed, out.accountedFor())
	}
	if in := receivedStream(relay, "north.yard", camera.Main); in.Frames != 21 || in.Passed != 21 {
		t.Errorf("%d of 21 pictures arrived: %+v", in.Frames, in)
	}
	t.Logf("refused %v", relay.State().Refused)
}
