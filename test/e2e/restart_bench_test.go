package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
)

// BenchmarkStartStorm starts thirty cameras on half a core. It measures when the last one is live, and how many capture processes had to
// be restarted. It needs write access to a cgroup hierarchy.
func BenchmarkStartStorm(b *testing.B) {
	const cameras = 30
	bin := limitedCPU(b, 0.5)
	config := "cameras:\n"
	for i := range cameras {
		config += fmt.Sprintf("  - {id: cam%d, source: 'test://?size=320x180&fps=2'}\n", i)
	}
	var allLive []time.Duration
	restarts := uint64(0)
	for b.Loop() {
		begin := time.Now()
		d := start(b, options{config: config, bin: bin})
		restarts += d.waitAllLive(cameras)
		allLive = append(allLive, time.Since(begin))
		d.stop()
	}
	b.ReportMetric(quantile(allLive, 0.5)/1000, "all-live-p50-s")
	b.ReportMetric(quantile(allLive, 1)/1000, "all-live-max-s")
	b.ReportMetric(float64(restarts)/float64(b.N), "restarts/op")
	b.ReportMetric(0, "ns/op")
}

// waitAllLive waits until all cameras are live, and returns how many restarts there were.
func (d *daemon) waitAllLive(cameras int) (restarts uint64) {
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		live := 0
		restarts = 0
		for _, s := range d.cameras() {
			if s.State == "live" {
				live++
			}
			for _, n := range s.Counts.Restarts {
				restarts += n
			}
		}
		if live == cameras {
			return restarts
		}
		if time.Now().After(end) {
			d.t.Fatalf("%d of %d cameras are live after five minutes", live, cameras)
		}
	}
}

// limitedCPU returns a directory whose camd, with its capture processes, gets only this many cores.
func limitedCPU(b *testing.B, cores float64) (bin string) {
	b.Helper()
	const period = 100_000 // microseconds
	quota := itoa(int(cores * period))
	group, err := os.MkdirTemp("/sys/fs/cgroup/cpu", "camd-bench-") // cgroup v1
	files := map[string]string{"cpu.cfs_period_us": itoa(period), "cpu.cfs_quota_us": quota}
	if err != nil {
		group, err = os.MkdirTemp("/sys/fs/cgroup", "camd-bench-") // cgroup v2
		files = map[string]string{"cpu.max": quota + " " + itoa(period)}
	}
	if err != nil {
		b.Skipf("no cgroup can be made: %v", err)
	}
	b.Cleanup(func() { _ = os.Remove(group) })
	for name, value := range files {
		if err := os.WriteFile(filepath.Join(group, name), []byte(value), 0o600); err != nil {
			b.Skipf("no CPU quota can be set: %v", err)
		}
	}
	bin = b.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs && exec %s \"$@\"\n", group, testrun.Program(b, "camd"))
	if err := os.WriteFile(filepath.Join(bin, "camd"), []byte(script), 0o700); err != nil {
		b.Fatal(err)
	}
	return bin
}

// BenchmarkStoppedProcessIsReplaced measures how long after SIGSTOP to a capture process its viewer gets live pictures of another
// process. An operation is a SIGSTOP.
func BenchmarkStoppedProcessIsReplaced(b *testing.B) {
	d := start(b, options{config: "cameras:\n  - {id: victim, source: 'test://?size=640x360&fps=30'}\n"})
	v := watch(b, d.URL+"/cameras/victim/stream.mjpg")
	var lives []time.Duration
	for b.Loop() {
		d.waitForState("victim", "live")
		begin := time.Now()
		pid := d.signalWorker("victim", syscall.SIGSTOP)
		d.waitForCamera("victim", "live with another process", func(s state) bool { return s.State == "live" && s.Worker.PID != pid })
		v.waitFor("a live picture again", func(p picture) bool { return isLive(p) && p.captured.After(begin.Add(time.Second)) })
		lives = append(lives, time.Since(begin))
	}
	b.ReportMetric(quantile(lives, 0.5), "live-p50-ms")
	b.ReportMetric(quantile(lives, 1), "live-max-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCameraServerReturns stops an RTSP server for forty seconds, and measures how long after the return of its stream the camera is
// live. An operation is an outage.
func BenchmarkCameraServerReturns(b *testing.B) {
	rtsp := testpeer.ServeRTSP(b, testpeer.RTSP{Clip: h264Clip})
	d := start(b, options{config: fmt.Sprintf("cameras:\n  - {id: away, source: %q, stall_timeout: 1s}\n", rtsp.URL())})
	var lives []time.Duration
	for b.Loop() {
		d.waitForState("away", "live")
		rtsp.Stop()
		d.waitForCamera("away", "unreachable", func(s state) bool { return s.Reason == "unreachable" })
		time.Sleep(40 * time.Second) // the outage that is measured
		rtsp.Start()
		begin := time.Now()
		d.waitForState("away", "live")
		lives = append(lives, time.Since(begin))
	}
	b.ReportMetric(quantile(lives, 0.5), "live-p50-ms")
	b.ReportMetric(quantile(lives, 1), "live-max-ms")
	b.ReportMetric(0, "ns/op")
}
