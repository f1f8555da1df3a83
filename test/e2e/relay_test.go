package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A relay without OpenCV serves cameras of other sites like its own. Only watched renditions go over the bus.
func TestRelayServesCamerasOfOtherSites(t *testing.T) {
	t.Parallel()
	servers := natsCluster(t, 3)
	cameras := []string{"gate:20", "yard:10"}
	north := start(t, options{config: busConfig(servers[0], "north", cameras...)})
	relay := startRelay(t, busConfig(servers[1], ""))
	if code, _, _ := get(t, north.URL+"/readyz"); code != http.StatusOK && code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", code)
	}
	relay.waitForCameras("north.gate", "north.yard")
	eventually(t, "the relay to be ready", func() bool { code, _, _ := get(t, relay.URL+"/readyz"); return code == http.StatusOK })

	t.Run("unwatched", func(t *testing.T) {
		north.waitForState("gate", "live")
		begin := north.camera("gate").Counts.Captured
		eventually(t, "pictures without viewers", func() bool { return north.camera("gate").Counts.Captured > begin+20 })
		sent := north.seriesWithPrefix("camd_bus_frames_total")
		if len(sent) != 4 { // two cameras, two renditions
			t.Errorf("series %v", sent)
		}
		for series, n := range sent {
			if n != 0 {
				t.Errorf("%s is %v without a viewer anywhere", series, n)
			}
		}
	})
	t.Run("watched", func(t *testing.T) { relay.checkRelayedCameras(t, north) })
	t.Run("cameras are added and removed", func(t *testing.T) {
		v := watch(t, relay.URL+"/cameras/north.yard/stream.mjpg")
		v.waitFor("a live picture", isLive)
		north.reloadWith(busConfig(servers[0], "north", "gate:20", "hall:10"))
		north.reload()
		relay.waitForCameras("north.gate", "north.hall")
		v.drain() // until it ends, because the camera is removed
		if code, _, _ := get(t, relay.URL+"/cameras/north.yard/stream.mjpg"); code != http.StatusNotFound {
			t.Errorf("a removed camera: %d", code)
		}
		north.reloadWith(busConfig(servers[0], "north", cameras...))
		north.reload()
		relay.waitForCameras("north.gate", "north.yard")
	})

	t.Run("site and relay at once", func(t *testing.T) {
		config := strings.Replace(busConfig(servers[2], "south", "lane:5"), "]}", "], relay: true}", 1)
		south := start(t, options{config: config})
		south.waitForCameras("lane", "north.gate", "north.yard")
		south.waitForState("lane", "live")                             // so it is ready, whatever the state of the others
		relay.waitForCameras("north.gate", "north.yard", "south.lane") // and no camera of north through south
		south.reloadWith(strings.Replace(config, "relay: true", "relay: true, prefix: other", 1))
		south.reload()
		eventually(t, "a key that needs a restart", func() bool { return slices.Contains(south.readiness().Config.Restart, "bus") })
	})

	v, whole := watch(t, relay.URL+"/cameras/north.gate/stream.mjpg"), t
	v.waitFor("a live picture", isLive)
	t.Run("a server dies", func(t *testing.T) {
		servers[1].Kill()
		eventually(t, "another connection", func() bool {
			return relay.metric("camd_bus_reconnects_total") > 0 && relay.metric("camd_bus_connected") == 1
		})
		n, _ := v.waitFor("a live picture", isLive).frameNumber()
		v.waitFor("pictures after that", func(p picture) bool { later, ok := p.frameNumber(); return ok && later > n+20 })
	})
	t.Run("the site dies", func(t *testing.T) {
		north.killAndWait()
		v.waitFor("a placeholder", isPlaceholder)
		if s := relay.waitForState("north.gate", "offline"); s.Reason == "" || s.ReasonText == "" {
			t.Errorf("no reason in %+v", s)
		}
		if code, _, b := get(t, relay.URL+"/cameras/north.gate/snapshot.jpg"); code != http.StatusServiceUnavailable || !isJPEG(b) {
			t.Errorf("snapshot: %d", code)
		}
		north = start(whole, options{config: busConfig(servers[0], "north", cameras...)})
		v.waitFor("a live picture on the same connection", isLive)
		relay.waitForState("north.gate", "live")
	})
	v.close()
	for _, d := range []*daemon{north, relay} {
		eventually(t, "the end of interest", func() bool { return sum(d.seriesWithPrefix("camd_bus_watched")) == 0 })
	}
	t.Run("both ends account for every picture", func(t *testing.T) {
		for _, d := range []*daemon{north, relay} {
			passed, had, dropped := sum(d.seriesWithPrefix("camd_bus_frames_passed_total")), sum(d.seriesWithPrefix("camd_bus_frames_total")), sum(d.seriesWithPrefix("camd_bus_frames_dropped_total"))
			if passed == 0 || passed != had+dropped {
				t.Errorf("%v published, %v delivered, %v dropped", passed, had, dropped)
			}
		}
	})
}

// The metrics of both programs account for every picture that the instance publishes while it is watched: it came to the relay, or it
// was dropped at a place and for a reason. This holds although the NATS server is killed with every packet on its way.
func TestRelayCountsEveryFrame(t *testing.T) {
	t.Parallel()
	servers := natsCluster(t, 2)
	north := start(t, options{config: busConfig(servers[0], "north", "gate:25")})
	relay := startRelay(t, busConfig(servers[1], ""))
	north.waitForState("gate", "live")
	relay.waitForCameras("north.gate")
	v := watch(t, relay.URL+"/cameras/north.gate/stream.mjpg")
	next := func(n int) {
		for range n {
			v.waitFor("a live picture", isLive)
		}
	}
	next(20)
	for range 2 {
		server := relay.connectedServer(servers)
		before := relay.metric("camd_bus_reconnects_total")
		server.Kill()
		eventually(t, "another connection", func() bool {
			return relay.metric("camd_bus_reconnects_total") > before && relay.metric("camd_bus_connected") == 1
		})
		server.Start()
		next(20)
	}
	// The camera stops, and the last picture has arrived.
	north.patchCamera("gate", `{"paused": true}`)
	relay.waitForState("north.gate", "paused")
	// account returns the pictures that passed one end, went over the bus there, and were dropped, all at one moment.
	account := func(d *daemon, stream string) (passed, had, dropped float64) {
		for series, n := range d.seriesWithPrefix("camd_bus_frames_") {
			switch name, labels, _ := strings.Cut(series, "{"); {
			case !strings.HasPrefix(labels, stream):
			case name == "camd_bus_frames_passed_total":
				passed += n
			case name == "camd_bus_frames_total":
				had += n
			default:
				dropped += n
			}
		}
		return passed, had, dropped
	}
	var published, sent, unsent, delivered, lost float64
	eventually(t, "published = delivered + dropped", func() bool {
		published, sent, unsent = account(north, `camera="gate",direction="out"`)
		_, delivered, lost = account(relay, `camera="north.gate",direction="in"`)
		return published == delivered+lost
	})
	t.Logf("published %v = delivered %v + dropped %v; the instance sent %v and dropped %v", published, delivered, lost, sent, unsent)
	if delivered < 60 || published != sent+unsent || sent < delivered {
		t.Errorf("published %v, sent %v, dropped %v, delivered %v: want published = sent + dropped, delivered of 60 or more", published, sent, unsent, delivered)
	}
}

// checkRelayedCameras watches a site's cameras at a relay by streams, snapshots and walls.
func (d *daemon) checkRelayedCameras(t *testing.T, site *daemon) {
	t.Helper()
	v := watch(t, d.URL+"/cameras/north.gate/stream.mjpg")
	first, _ := v.waitFor("a live picture", isLive).frameNumber()
	v.waitFor("moving pictures", func(p picture) bool { n, ok := p.frameNumber(); return ok && n > first+10 })
	if n := sum(site.seriesWithPrefix(`camd_bus_watched{camera="gate",direction="out",rendition="main"}`)); n != 1 {
		t.Errorf("the site counts the interest of %v relays, want 1", n)
	}
	for _, path := range []string{"/cameras/north.yard/snapshot.jpg?fresh=1", "/?action=snapshot_1", "/cameras/north.yard/snapshot.jpg?rendition=preview"} {
		if code, _, b := get(t, d.URL+path); code != http.StatusOK || !isJPEG(b) {
			t.Errorf("%s: %d, %d bytes", path, code, len(b))
		}
	}
	d.checkWallMoves(t, "north.yard")
	v.close()
	eventually(t, "the end of interest", func() bool { return sum(site.seriesWithPrefix("camd_bus_watched")) == 0 })
	sent, begin := sum(site.seriesWithPrefix("camd_bus_frames_total")), site.camera("gate").Counts.Captured
	eventually(t, "pictures without viewers", func() bool { return site.camera("gate").Counts.Captured > begin+20 })
	if now := sum(site.seriesWithPrefix("camd_bus_frames_total")); sent == 0 || now != sent {
		t.Errorf("%v pictures went over the bus, then %v without viewers", sent, now)
	}
}
