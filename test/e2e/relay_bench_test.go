package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// BenchmarkNATSServerFailover measures how long after the kill of the NATS server of a relay its viewer gets the next live picture. The
// viewer stays connected. An operation is a kill.
func BenchmarkNATSServerFailover(b *testing.B) {
	servers := natsCluster(b, 3)
	site := start(b, options{config: busConfig(servers[0], "north", "gate:30")})
	relay := start(b, options{config: busConfig(servers[1], "")})
	site.waitForState("gate", "live")
	relay.waitForCameras("north.gate")
	v := watch(b, relay.URL+"/cameras/north.gate/stream.mjpg")
	var took []time.Duration
	for b.Loop() {
		v.waitFor("a live picture", isLive)
		server := relay.connectedServer(servers)
		before := relay.metric("camd_bus_reconnects_total")
		server.Kill()
		begin := time.Now()
		v.waitFor("a picture taken since", func(p picture) bool { return isLive(p) && p.captured.After(begin) })
		took = append(took, time.Since(begin))
		if relay.metric("camd_bus_reconnects_total") == before {
			b.Fatal("the relay was connected to another server")
		}
		server.Start()
	}
	b.ReportMetric(quantile(took, 0.5), "live-p50-ms")
	b.ReportMetric(quantile(took, 1), "live-max-ms")
	b.ReportMetric(0, "ns/op")
}

// connectedServer returns the server that the daemon is connected to, by the tables of the kernel.
func (d *daemon) connectedServer(servers []*testpeer.NATS) (found *testpeer.NATS) {
	d.t.Helper()
	own := map[string]bool{} // inodes of its sockets
	descriptors, _ := filepath.Glob(filepath.Join("/proc", itoa(d.cmd.Process.Pid), "fd", "*"))
	for _, fd := range descriptors {
		if target, err := os.Readlink(fd); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // number, local address, remote address, state …; the tenth is the inode
		if len(f) < 10 || f[3] != "01" || !own[f[9]] {
			continue
		}
		_, port, _ := strings.Cut(f[2], ":")
		n, _ := strconv.ParseUint(port, 16, 16)
		for _, server := range servers {
			if strings.HasSuffix(server.URL, ":"+strconv.FormatUint(n, 10)) {
				found = server
			}
		}
	}
	return found
}

// BenchmarkInstanceWithRelays measures the CPU time of an instance for a camera with one viewer, and with five hundred viewers behind two
// relays. They take turns. An operation is one turn of each.
func BenchmarkInstanceWithRelays(b *testing.B) {
	const many = 500
	server := natsCluster(b, 1)[0]
	site := start(b, options{config: busConfig(server, "north", "gate:10")})
	relays := []*daemon{start(b, options{config: busConfig(server, "")}), start(b, options{config: busConfig(server, "")})}
	for _, relay := range relays {
		relay.waitForCameras("north.gate")
	}
	// cost returns the CPU time of the instance per picture in microseconds, with n viewers.
	cost := func(n int) float64 {
		var viewers []*viewer
		var reading sync.WaitGroup
		for i := range n {
			v := watch(b, relays[i%len(relays)].URL+"/cameras/north.gate/stream.mjpg")
			viewers = append(viewers, v)
			reading.Go(v.drain)
		}
		defer reading.Wait()
		defer func() {
			for _, v := range viewers {
				v.close()
			}
		}()
		present := func() (all float64) {
			for _, relay := range relays {
				all += sum(relay.seriesWithPrefix("camd_viewers{"))
			}
			return all
		}
		eventually(b, "all viewers", func() bool { return present() == float64(n) })
		pid := site.camera("gate").Worker.PID
		before, frames := site.cpuTime(b)+processorTime(b, pid), site.camera("gate").Counts.Captured
		time.Sleep(measureDuration(8 * time.Second))
		return float64((site.cpuTime(b) + processorTime(b, pid) - before).Microseconds()) / float64(site.camera("gate").Counts.Captured-frames)
	}
	cost(1) // to warm up
	var costsOfOne, costsOfMany, ratios []float64
	for b.Loop() {
		one, more := cost(1), cost(many)
		costsOfOne, costsOfMany, ratios = append(costsOfOne, one), append(costsOfMany, more), append(ratios, more/one)
	}
	slices.Sort(ratios)
	b.ReportMetric(mean(costsOfOne), "µs/frame-1-viewer")
	b.ReportMetric(mean(costsOfMany), fmt.Sprintf("µs/frame-%d-viewers", many))
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(0, "ns/op")
}
