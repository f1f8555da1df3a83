package e2e

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// abuseDuration is how long each attack lasts, and the quiet time before it.
const abuseDuration = 5 * time.Second

// Measures a viewer's frame rate and delay during each attack and just before it. It asserts nothing, because the attacks take processor
// time of the same machine. CAMD_ABUSE=1 runs it; it takes three minutes.
func TestMeasureViewersUnderAbuse(t *testing.T) {
	if os.Getenv("CAMD_ABUSE") == "" {
		t.Skip("CAMD_ABUSE is not set")
	}
	i := testpeer.Certificate{}.Make(t)
	daemons := map[bool]*daemon{false: startAbuseTarget(t, ""), true: startAbuseTarget(t, "tls: {certificate: "+i.File+", key: "+i.Key+"}\n")}
	for _, a := range attacks {
		d := daemons[a.needsTLS]
		before := d.resourceUsage()
		quiet := d.measureViewer(t, func(context.Context) {})
		var peak float64
		during := d.measureViewer(t, func(ctx context.Context) {
			var done sync.WaitGroup
			done.Go(func() { a.run(ctx, d, a.loadCount) })
			for ctx.Err() == nil {
				peak = max(peak, residentBytes(t, d.cmd.Process.Pid))
				<-time.After(100 * time.Millisecond)
			}
			done.Wait()
		})
		t.Logf("%-38s %5.1f → %5.1f fps   age p50 %5.1f → %5.1f ms, p99 %5.1f → %6.1f ms   %3.0f → %3.0f MB", a.name, quiet.fps, during.fps,
			quiet.ages[0], during.ages[0], quiet.ages[1], during.ages[1], before.resident/1e6, peak/1e6)
		loginStatuses.Range(func(status, n any) bool {
			t.Logf("guesses answered with %d: %d in %v", status, n.(*atomic.Int64).Load(), abuseDuration)
			return true
		})
		loginStatuses.Clear()
		d.checkReleased(resourceUsage{before.descriptors, before.goroutines, max(before.resident, peak)})
	}
}

// viewerQuality is the frame rate and delay of a viewer during a measurement.
type viewerQuality struct {
	fps  float64
	ages [2]float64 // milliseconds: the median and the 99th percentile
}

func (d *daemon) measureViewer(t *testing.T, beside func(context.Context)) (e viewerQuality) {
	ctx, cancel := context.WithTimeout(context.Background(), abuseDuration)
	defer cancel()
	v := watch(t, d.URL+"/cameras/a/stream.mjpg")
	defer v.close()
	v.waitFor("a live picture", isLive)
	var done sync.WaitGroup
	defer done.Wait()
	done.Go(func() { beside(ctx) })
	var ages []float64
	began := time.Now()
	for ctx.Err() == nil {
		p, err := v.read()
		if err != nil {
			t.Fatal(err)
		}
		ages = append(ages, float64(p.arrived.Sub(p.captured).Microseconds())/1e3)
	}
	e.fps = float64(len(ages)) / time.Since(began).Seconds()
	slices.Sort(ages)
	e.ages = [2]float64{ages[len(ages)/2], ages[len(ages)*99/100]}
	if strings.Contains(d.stderr.String(), "panic") {
		t.Error("a panic")
	}
	return e
}
