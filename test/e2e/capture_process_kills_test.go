package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// Two hundred capture processes die at random moments under fifty viewers. All viewers stay connected, and nothing leaks.
func TestKilledWorkersAreReplacedUnderViewers(t *testing.T) {
	const cameras, kills = 10, 200
	d := start(t, options{config: smallTestCameras("cam", cameras) + "log: {level: warn}\n"})
	ids := make([]string, cameras)
	for i := range ids {
		ids[i] = "cam" + itoa(i)
		d.waitForState(ids[i], "live")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var viewers sync.WaitGroup
	c := &changingViewers{t: t, decodeEvery: 16, checked: map[uint64]pictureResult{}}
	for i := range 50 {
		viewers.Go(func() {
			if err := c.watch(ctx, d.URL+"/cameras/"+ids[i%cameras]+"/stream.mjpg"); ctx.Err() == nil {
				t.Errorf("a viewer was lost: %v", err)
			}
		})
	}
	eventually(t, "the viewers to have pictures", func() bool { return c.pictures.Load() > 500 })
	before := d.resourceUsage()

	r := rand.New(rand.NewPCG(testpeer.Seed(t), 0))
	// camd takes three seconds to find a stopped process, so few are stopped.
	signals := append(slices.Repeat([]syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGTERM}, 4), syscall.SIGSTOP)
	killed, killTimes := map[int]bool{}, map[int]time.Time{}
	for round := 1; round <= kills/cameras; round++ {
		eventually(t, "more killed processes", func() bool {
			for _, pid := range children(d.cmd.Process.Pid) {
				switch end, seen := killTimes[pid]; {
				case !seen: // some are killed while they open the camera, most of them later
					killTimes[pid] = time.Now().Add(time.Duration(r.IntN(1500)) * time.Millisecond)
				case !killed[pid] && len(killed) < kills && time.Now().After(end):
					killed[pid] = testpeer.Signal(pid, signals[r.IntN(len(signals))]) == nil
				}
			}
			return len(killed) >= round*cameras
		})
	}
	for _, id := range ids {
		d.waitForCamera(id, "live again", func(s state) bool { return s.State == "live" && !killed[s.Worker.PID] })
	}
	for pid := range killed {
		eventually(t, "a dead process to be reaped", func() bool { return !isChild(d.cmd.Process.Pid, pid) })
	}
	// The same viewers, cameras and processes as before: the same descriptors and goroutines.
	var after resourceUsage
	eventually(t, "resources to be released", func() bool {
		after = d.resourceUsage()
		return after.descriptors <= before.descriptors && after.goroutines <= before.goroutines+5 // some may still write the rest of a frame
	})
	cancel()
	viewers.Wait()
	t.Logf("%d pictures seen; before %+v, after %+v", c.pictures.Load(), before, after)
	if after.resident > 1.3*before.resident+8e6 {
		t.Errorf("resident memory grew from %.1f to %.1f MB", before.resident/1e6, after.resident/1e6)
	}
}

// resourceUsage is the use of resources by camd.
type resourceUsage struct {
	descriptors, goroutines int
	resident                float64
}

func (d *daemon) resourceUsage() resourceUsage {
	fds, err := os.ReadDir(filepath.Join("/proc", itoa(d.cmd.Process.Pid), "fd"))
	if err != nil {
		d.t.Fatal(err)
	}
	_, _, metrics := get(d.t, d.URL+"/metrics")
	m := regexp.MustCompile(`(?m)^go_goroutines (\d+)$`).FindSubmatch(metrics)
	if m == nil {
		d.t.Fatal("no go_goroutines")
	}
	n, _ := strconv.Atoi(string(m[1]))
	return resourceUsage{len(fds), n, residentBytes(d.t, d.cmd.Process.Pid)}
}

func isChild(parent, pid int) bool {
	for _, p := range children(parent) {
		if p == pid {
			return true
		}
	}
	return false
}
