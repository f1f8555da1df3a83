package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testrun"
)

// BenchmarkRecovery measures how long after the kill of a capture process its viewer gets the placeholder, and live pictures again. It
// also measures the age of the pictures of another camera, before and meanwhile. An operation is a kill.
func BenchmarkRecovery(b *testing.B) {
	d := start(b, options{config: `
cameras:
  - {id: victim, source: 'test://?size=1280x720&fps=30'}
  - {id: beside, source: 'test://?size=1280x720&fps=30'}
`})
	d.waitForState("victim", "live")
	d.waitForState("beside", "live")
	v, beside := watch(b, d.URL+"/cameras/victim/stream.mjpg"), watch(b, d.URL+"/cameras/beside/stream.mjpg")
	ages := make(chan time.Duration, 1<<16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, err := beside.read()
			if err != nil {
				return
			}
			ages <- p.arrived.Sub(p.captured)
		}
	}()
	collect := func(n int) (all []time.Duration) {
		for len(all) < n {
			all = append(all, <-ages)
		}
		return all
	}
	collect(30) // to warm up
	before := collect(150)
	var cards, lives []time.Duration
	for b.Loop() {
		v.waitFor("a live picture", isLive)
		d.waitForCamera("victim", "there with a process", func(s state) bool { return s.Worker.PID != 0 })
		begin := time.Now()
		d.signalWorker("victim", syscall.SIGKILL)
		v.waitFor("the placeholder", isPlaceholder)
		cards = append(cards, time.Since(begin))
		v.waitFor("a live picture again", isLive)
		lives = append(lives, time.Since(begin))
	}
	meanwhile := collect(max(len(ages), 30))
	beside.close()
	<-done
	b.ReportMetric(quantile(cards, 0.5), "placeholder-p50-ms")
	b.ReportMetric(quantile(cards, 1), "placeholder-max-ms")
	b.ReportMetric(quantile(lives, 0.5), "live-p50-ms")
	b.ReportMetric(quantile(lives, 1), "live-max-ms")
	b.ReportMetric(quantile(before, 0.99), "beside-before-p99-ms")
	b.ReportMetric(quantile(meanwhile, 0.99), "beside-meanwhile-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRecoveryBesideUnreachableServers measures how long it takes until the last of eight cameras is live: alone, and beside eight
// cameras whose address drops every packet. An operation is one start of each.
func BenchmarkRecoveryBesideUnreachableServers(b *testing.B) {
	good := smallTestCameras("good", 8)
	bad := good
	for i := range 8 {
		bad += fmt.Sprintf("  - {id: hole%d, source: 'rtsp://%s/stream'}\n", i, blackHole(b))
	}
	var alone, beside, ratios []float64
	for b.Loop() {
		a, s := untilLive(b, good).Seconds(), untilLive(b, bad).Seconds()
		alone, beside, ratios = append(alone, a), append(beside, s), append(ratios, s/a)
	}
	slices.Sort(ratios)
	b.ReportMetric(1000*mean(alone), "alone-ms")
	b.ReportMetric(1000*mean(beside), "beside-ms")
	b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	b.ReportMetric(0, "ns/op")
}

// untilLive starts camd and returns how long it took until all good cameras were live.
func untilLive(b *testing.B, config string) time.Duration {
	begin := time.Now()
	d := start(b, options{config: config})
	defer d.stop()
	testrun.WaitFor(b, "eight live cameras", func() bool {
		live := 0
		for id, s := range d.cameras() {
			if strings.HasPrefix(id, "good") && s.State == "live" {
				live++
			}
		}
		return live == 8
	})
	return time.Since(begin)
}

// blackHole returns an address that never answers a connection, because its queue is full.
func blackHole(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) }); err != nil {
		b.Fatal(err)
	}
	for {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 300*time.Millisecond)
		if err != nil {
			return l.Addr().String()
		}
		b.Cleanup(func() { _ = c.Close() })
	}
}

func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))].Seconds() * 1000
}
