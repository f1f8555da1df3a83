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

// abuseSpan is how long each assault goes on, and how long it is quiet before.
const abuseSpan = 5 * time.Second

// What a viewer notices of each assault while it goes on, beside what it had just before: figures, and no test, since a machine
// that is busy with assaulting has less for both. CAMD_ABUSE=1 takes them, in three minutes.
func TestAbuseFigures(t *testing.T) {
	if os.Getenv("CAMD_ABUSE") == "" {
		t.Skip("CAMD_ABUSE is not set")
	}
	i := testpeer.Certificate{}.Make(t)
	daemons := map[bool]*daemon{false: abused(t, ""), true: abused(t, "tls: {certificate: "+i.File+", key: "+i.Key+"}\n")}
	for _, a := range assaults {
		d := daemons[a.secure]
		before := d.burden()
		quiet := d.experience(t, func(context.Context) {})
		var peak float64
		during := d.experience(t, func(ctx context.Context) {
			var done sync.WaitGroup
			done.Go(func() { a.run(ctx, d, a.many) })
			for ctx.Err() == nil {
				peak = max(peak, resident(t, d.cmd.Process.Pid))
				<-time.After(100 * time.Millisecond)
			}
			done.Wait()
		})
		t.Logf("%-38s %5.1f → %5.1f fps   age p50 %5.1f → %5.1f ms, p99 %5.1f → %6.1f ms   %3.0f → %3.0f MB", a.name, quiet.fps, during.fps,
			quiet.ages[0], during.ages[0], quiet.ages[1], during.ages[1], before.resident/1e6, peak/1e6)
		guesses.Range(func(status, n any) bool {
			t.Logf("guesses answered with %d: %d in %v", status, n.(*atomic.Int64).Load(), abuseSpan)
			return true
		})
		guesses.Clear()
		d.recovers(burden{before.descriptors, before.goroutines, max(before.resident, peak)})
	}
}

// experience is what a viewer has for a while.
type experience struct {
	fps  float64
	ages [2]float64 // milliseconds: median, and what 1 in 100 exceeds
}

func (d *daemon) experience(t *testing.T, beside func(context.Context)) (e experience) {
	ctx, cancel := context.WithTimeout(context.Background(), abuseSpan)
	defer cancel()
	v := watch(t, d.URL+"/cameras/a/stream.mjpg")
	defer v.close()
	v.next("a live picture", live)
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
