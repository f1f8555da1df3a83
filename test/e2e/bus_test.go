package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"camd/internal/testpeer"
)

// natsCluster starts a cluster of n servers.
func natsCluster(t testing.TB, n int) (all []*testpeer.NATS) {
	t.Helper()
	routes := ""
	for i := range n {
		port := testpeer.FreePort(t)
		all = append(all, testpeer.ServeNATS(t, fmt.Sprintf("server_name: n%d\ncluster {name: camd, listen: \"127.0.0.1:%d\", routes: [%s]}\n", i, port, routes)))
		routes += fmt.Sprintf("\"nats://127.0.0.1:%d\", ", port)
	}
	return all
}

// natsLeaf starts a server, and a leaf node of it, which is for sites behind a slow link.
func natsLeaf(t testing.TB) (hub, leaf *testpeer.NATS) {
	t.Helper()
	port := testpeer.FreePort(t)
	hub = testpeer.ServeNATS(t, fmt.Sprintf("leafnodes {listen: \"127.0.0.1:%d\"}\n", port))
	return hub, testpeer.ServeNATS(t, fmt.Sprintf("leafnodes {remotes: [{url: \"nats://127.0.0.1:%d\"}]}\n", port))
}

// busConfig returns the configuration of a camd on a bus, or of a relay if there are no cameras. A camera is an ID, a colon and a rate.
func busConfig(server *testpeer.NATS, site string, cameras ...string) string {
	config := longWriteTimeout + fmt.Sprintf("bus: {servers: ['%s']}\n", server.URL)
	if site != "" {
		config += "site: " + site + "\n"
	}
	for i, camera := range cameras {
		if i == 0 {
			config += "cameras:\n"
		}
		id, fps, _ := strings.Cut(camera, ":")
		config += fmt.Sprintf("  - {id: %s, title: The %s, source: 'test://?size=320x180&fps=%s', stall_timeout: 2m}\n", id, id, fps)
	}
	return config
}

// startRelay starts a camd that cannot find camd-capture.
func startRelay(t testing.TB, config string) *daemon {
	t.Helper()
	dir := t.TempDir()
	copyProgram(t, "camd", dir)
	return start(t, options{config: config, bin: dir, env: []string{"PATH=/nowhere"}})
}

// checkWallMoves checks that a camera's pictures move on a wall.
func (d *daemon) checkWallMoves(t *testing.T, id string) {
	t.Helper()
	first, last := uint32(0), uint32(0)
	d.dialWall(t, wallOptions{cameras: []string{id}, view: "full", isPaced: true}).until("five pictures", func(e wallEvent) bool {
		if e.frame == nil {
			return false
		}
		if n, ok := (picture{jpeg: e.frame.data}).frameNumber(); ok {
			if last = n; first == 0 {
				first = n
			}
		}
		return first > 0 && last >= first+5
	})
}

// waitForCameras waits until the daemon has exactly the cameras with these IDs.
func (d *daemon) waitForCameras(ids ...string) {
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

// seriesPattern is a line of /metrics.
var seriesPattern = regexp.MustCompile(`(?m)^(camd_\S+) (\S+)$`)

// seriesWithPrefix returns the series of /metrics that begin with a prefix, and their values.
func (d *daemon) seriesWithPrefix(begin string) map[string]float64 {
	d.t.Helper()
	_, _, text := get(d.t, d.URL+"/metrics")
	found := map[string]float64{}
	for _, m := range seriesPattern.FindAllStringSubmatch(string(text), -1) {
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
