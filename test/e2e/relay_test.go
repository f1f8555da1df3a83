package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"camd/internal/peer"
)

// natsCluster starts servers that know each other.
func natsCluster(t testing.TB, n int) (all []*peer.NATS) {
	t.Helper()
	routes := ""
	for i := range n {
		port := peer.FreePort(t)
		all = append(all, peer.ServeNATS(t, fmt.Sprintf("server_name: n%d\ncluster {name: camd, listen: \"127.0.0.1:%d\", routes: [%s]}\n", i, port, routes)))
		routes += fmt.Sprintf("\"nats://127.0.0.1:%d\", ", port)
	}
	return all
}

// onBus is the configuration of a camd on a bus; of a relay if there are no cameras. A camera is a name, a colon and a rate.
func onBus(server *peer.NATS, site string, cameras ...string) string {
	config := fmt.Sprintf("bus: {servers: ['%s']}\n", server.URL)
	if site != "" {
		config += "site: " + site + "\n"
	}
	for i, camera := range cameras {
		if i == 0 {
			config += "cameras:\n"
		}
		id, fps, _ := strings.Cut(camera, ":")
		config += fmt.Sprintf("  - {id: %s, title: The %s, source: 'test://?size=320x180&fps=%s'}\n", id, id, fps)
	}
	return config
}

// startRelay starts a camd that has no camd-capture, and none beside it.
func startRelay(t *testing.T, config string) *daemon {
	t.Helper()
	dir := t.TempDir()
	copyProgram(t, "camd", dir)
	return start(t, options{config: config, bin: dir, env: []string{"PATH=/nowhere"}})
}

// A relay without OpenCV serves other sites' cameras just as if they were its own, and takes over the bus what is watched alone.
func TestRelay(t *testing.T) {
	servers := natsCluster(t, 3)
	cameras := []string{"gate:20", "yard:10"}
	north := start(t, options{config: onBus(servers[0], "north", cameras...)})
	relay := startRelay(t, onBus(servers[1], ""))
	if code, _, _ := get(t, north.URL+"/readyz"); code != http.StatusOK && code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", code)
	}
	relay.finds("north.gate", "north.yard")
	eventually(t, "the relay to be ready", func() bool { code, _, _ := get(t, relay.URL+"/readyz"); return code == http.StatusOK })

	t.Run("unwatched", func(t *testing.T) {
		north.reaches("gate", "live")
		begin := north.camera("gate").Counts.Captured
		eventually(t, "pictures that nobody watches", func() bool { return north.camera("gate").Counts.Captured > begin+20 })
		sent := north.series("camd_bus_frames_total")
		if len(sent) != 4 { // two cameras, two renditions
			t.Errorf("series %v", sent)
		}
		for series, n := range sent {
			if n != 0 {
				t.Errorf("%s is %v without a viewer anywhere", series, n)
			}
		}
	})
	t.Run("watched", func(t *testing.T) { relay.shows(t, north) })
	t.Run("cameras come and go", func(t *testing.T) {
		v := watch(t, relay.URL+"/cameras/north.yard/stream.mjpg")
		v.next("a live picture", live)
		north.rewrite(onBus(servers[0], "north", "gate:20", "hall:10"))
		north.hangUp()
		relay.finds("north.gate", "north.hall")
		v.drain() // to its end, since the camera is gone
		if code, _, _ := get(t, relay.URL+"/cameras/north.yard/stream.mjpg"); code != http.StatusNotFound {
			t.Errorf("a camera that is gone: %d", code)
		}
		north.rewrite(onBus(servers[0], "north", cameras...))
		north.hangUp()
		relay.finds("north.gate", "north.yard")
	})

	t.Run("both at once", func(t *testing.T) {
		config := strings.Replace(onBus(servers[2], "south", "lane:5"), "]}", "], relay: true}", 1)
		south := start(t, options{config: config})
		south.finds("lane", "north.gate", "north.yard")
		south.reaches("lane", "live") // and so it is ready, whatever the others are
		relay.finds("north.gate", "north.yard", "south.lane") // and nothing of north's by way of south
		south.rewrite(strings.Replace(config, "relay: true", "relay: true, prefix: other", 1))
		south.hangUp()
		eventually(t, "a key that waits", func() bool { return slices.Contains(south.ready().Config.Restart, "bus") })
	})

	v, whole := watch(t, relay.URL+"/cameras/north.gate/stream.mjpg"), t
	v.next("a live picture", live)
	t.Run("a server dies", func(t *testing.T) {
		servers[1].Kill()
		eventually(t, "another connection", func() bool {
			return relay.metric("camd_bus_reconnects_total") > 0 && relay.metric("camd_bus_connected") == 1
		})
		n, _ := v.next("a live picture", live).number()
		v.next("pictures after that", func(p picture) bool { later, ok := p.number(); return ok && later > n+20 })
	})
	t.Run("the site dies", func(t *testing.T) {
		north.crash()
		v.next("a placeholder", placeholder)
		if s := relay.reaches("north.gate", "offline"); s.Reason == "" || s.ReasonText == "" {
			t.Errorf("no reason in %+v", s)
		}
		if code, _, b := get(t, relay.URL+"/cameras/north.gate/snapshot.jpg"); code != http.StatusServiceUnavailable || !isJPEG(b) {
			t.Errorf("snapshot: %d", code)
		}
		north = start(whole, options{config: onBus(servers[0], "north", cameras...)})
		v.next("a live picture on the same connection", live)
		relay.reaches("north.gate", "live")
	})
	t.Run("conservation", func(t *testing.T) {
		v.close()
		for _, d := range []*daemon{north, relay} {
			eventually(t, "nobody to watch", func() bool { return sum(d.series("camd_bus_watched")) == 0 })
			passed, had, dropped := sum(d.series("camd_bus_frames_passed_total")), sum(d.series("camd_bus_frames_total")), sum(d.series("camd_bus_frames_dropped_total"))
			if passed == 0 || passed != had+dropped {
				t.Errorf("%v published, %v delivered, %v dropped", passed, had, dropped)
			}
		}
	})
}

// shows watches a site's cameras at a relay in every way that there is.
func (d *daemon) shows(t *testing.T, site *daemon) {
	t.Helper()
	v := watch(t, d.URL+"/cameras/north.gate/stream.mjpg")
	first, _ := v.next("a live picture", live).number()
	v.next("moving pictures", func(p picture) bool { n, ok := p.number(); return ok && n > first+10 })
	if n := sum(site.series(`camd_bus_watched{camera="gate",direction="out",rendition="main"}`)); n != 1 {
		t.Errorf("the site knows of %v relays' wish, want 1", n)
	}
	for _, path := range []string{"/cameras/north.yard/snapshot.jpg?fresh=1", "/?action=snapshot_1", "/cameras/north.yard/snapshot.jpg?rendition=preview"} {
		if code, _, b := get(t, d.URL+path); code != http.StatusOK || !isJPEG(b) {
			t.Errorf("%s: %d, %d bytes", path, code, len(b))
		}
	}
	d.moves(t, "north.yard")
	v.close()
	eventually(t, "nobody to watch", func() bool { return sum(site.series("camd_bus_watched")) == 0 })
	sent, begin := sum(site.series("camd_bus_frames_total")), site.camera("gate").Counts.Captured
	eventually(t, "pictures that nobody watches", func() bool { return site.camera("gate").Counts.Captured > begin+20 })
	if now := sum(site.series("camd_bus_frames_total")); sent == 0 || now != sent {
		t.Errorf("%v pictures went over the bus, and %v when nobody watched any more", sent, now)
	}
}

// moves checks that a camera's pictures move on a wall.
func (d *daemon) moves(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(d.URL, "http", "ws", 1)+"/api/v1/wall?rendition=main&cameras="+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for first, last := uint32(0), uint32(0); first == 0 || last < first+5; {
		kind, b, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if kind != websocket.MessageBinary {
			continue
		}
		if n, ok := (picture{jpeg: b[binary.BigEndian.Uint16(b[2:]):]}).number(); ok {
			if last = n; first == 0 {
				first = n
			}
		}
		ack, _ := json.Marshal(map[string]any{"type": "ack", "camera": id, "seq": binary.BigEndian.Uint64(b[4:])})
		if err := conn.Write(ctx, websocket.MessageText, ack); err != nil {
			t.Fatal(err)
		}
	}
}

// finds waits until the cameras are those, by their ids.
func (d *daemon) finds(ids ...string) {
	d.t.Helper()
	eventually(d.t, strings.Join(ids, " and "), func() bool {
		all := d.cameras()
		for _, id := range ids {
			if _, there := all[id]; !there {
				return false
			}
		}
		return len(all) == len(ids)
	})
}

var sample1 = regexp.MustCompile(`(?m)^(camd_\S+) (\S+)$`)

// series returns the series of /metrics that begin so, with their values.
func (d *daemon) series(begin string) map[string]float64 {
	d.t.Helper()
	_, _, text := get(d.t, d.URL+"/metrics")
	found := map[string]float64{}
	for _, m := range sample1.FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(m[1], begin) {
			v, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				d.t.Fatal(err)
			}
			found[m[1]] = v
		}
	}
	return found
}

func sum(series map[string]float64) (total float64) {
	for _, v := range series {
		total += v
	}
	return total
}
