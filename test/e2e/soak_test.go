package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/source/pattern"
)

// soak is how long TestSoak and TestPageKeptOpen go on: SOAK in the environment, such as 1h.
func soak(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK=%q: want a duration such as 1h", text)
	}
	return d
}

// Eight cameras, two of them behind another camd, a hundred viewers who come and go, and a fault again and again: nobody
// is disconnected, nobody sees a picture that no camera made, and nothing grows.
func TestSoak(t *testing.T) {
	length := soak(t)
	fault := max(length/720, 500*time.Millisecond) // every 5 s of an hour
	upstream := start(t, options{config: patterns("up", 2)})
	d := start(t, options{config: patterns("cam", 6) + fmt.Sprintf(
		"  - {id: far0, source: '%[1]s/cameras/up0/stream.mjpg', stall_timeout: 2s}\n"+
			"  - {id: far1, source: '%[1]s/cameras/up1/stream.mjpg', stall_timeout: 2s}\nlog: {level: warn}\n", upstream.URL)})
	for id := range d.cameras() {
		d.reaches(id, "live")
	}
	seed := testpeer.Seed(t)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	c := &crowd{t: t, url: d.URL, looks: 4, cameras: []string{"cam0", "cam1", "cam2", "cam3", "cam4", "cam5", "far0", "far1"}, seen: map[uint64]verdict{}}
	if length >= time.Hour {
		c.looks = 1
	}
	var everybody sync.WaitGroup
	for i := range 100 {
		everybody.Go(func() { c.comeAndGo(ctx, rand.New(rand.NewPCG(seed, uint64(i))), length/60) })
	}
	everybody.Go(func() { trouble(ctx, rand.New(rand.NewPCG(seed, 1000)), fault, upstream, d) })
	var sizes []float64 // resident bytes, once a second
	for tick := time.NewTicker(time.Second); ctx.Err() == nil; {
		select {
		case <-tick.C:
			sizes = append(sizes, resident(t, d.cmd.Process.Pid))
		case <-ctx.Done():
			tick.Stop()
		}
	}
	everybody.Wait()
	for id := range d.cameras() {
		d.reaches(id, "live")
	}
	crashes := uint64(0)
	for _, s := range d.cameras() {
		crashes += s.Counts.Restarts["worker_crashed"]
	}
	early, late := mean(sizes[len(sizes)/5:2*len(sizes)/5]), mean(sizes[4*len(sizes)/5:])
	t.Logf("%v: %d visits, %d pictures seen, %d different, %d capture processes crashed; resident %.1f MB early, %.1f MB late (%+.1f %%)",
		length, c.visits.Load(), c.pictures.Load(), len(c.seen), crashes, early/1e6, late/1e6, 100*(late/early-1))
	if crashes == 0 {
		t.Error("there was no fault")
	}
	if length >= time.Hour && late > 1.05*early { // in less time the heap is still finding its size
		t.Errorf("resident memory grew from %.1f to %.1f MB", early/1e6, late/1e6)
	}
}

// patterns is a configuration with n test cameras, small and slow: there are many of them.
func patterns(name string, n int) string {
	var b strings.Builder
	b.WriteString(slowViewers + "cameras:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: %s%d, source: 'test://?size=320x180&fps=%d', stall_timeout: 2s}\n", name, i, 5+i)
	}
	return b.String()
}

// trouble kills, stops and continues capture processes.
func trouble(ctx context.Context, r *rand.Rand, every time.Duration, daemons ...*daemon) {
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		pids := children(daemons[r.IntN(len(daemons))].cmd.Process.Pid)
		if len(pids) == 0 {
			continue
		}
		pid := pids[r.IntN(len(pids))]
		switch r.IntN(5) {
		case 0:
			_ = testpeer.Signal(pid, syscall.SIGSEGV)
		case 1:
			_ = testpeer.Signal(pid, syscall.SIGSTOP)
			time.AfterFunc(time.Duration(r.Int64N(int64(2*every))), func() { _ = testpeer.Signal(pid, syscall.SIGCONT) })
		default:
			_ = testpeer.Signal(pid, syscall.SIGKILL)
		}
	}
}

// crowd is viewers and what they have seen.
type crowd struct {
	t                *testing.T
	url              string
	looks            uint64 // one picture in so many is decoded, which is dear under the race detector
	cameras          []string
	visits, pictures atomic.Uint64

	mu   sync.Mutex
	seen map[uint64]verdict // by a hash of the picture
}

// verdict is what a picture is.
type verdict struct {
	live  bool
	wrong string // what is wrong with it
}

var hashSeed = maphash.MakeSeed()

// comeAndGo watches one camera after the other for some time, at most longest.
func (c *crowd) comeAndGo(ctx context.Context, r *rand.Rand, longest time.Duration) {
	for ctx.Err() == nil {
		visit, cancel := context.WithTimeout(ctx, time.Duration(r.Int64N(int64(longest)))+100*time.Millisecond)
		err := c.watch(visit, c.url+"/cameras/"+c.cameras[r.IntN(len(c.cameras))]+"/stream.mjpg")
		left := visit.Err() != nil
		cancel()
		c.visits.Add(1)
		if err != nil && !left {
			c.t.Errorf("a viewer was lost: %v", err)
			return
		}
	}
}

func (c *crowd) watch(ctx context.Context, url string) error {
	v, err := open(ctx, url)
	if err != nil {
		return err
	}
	defer v.body.Close()
	var last time.Time
	for {
		p, err := v.read()
		if err != nil {
			return err
		}
		c.pictures.Add(1)
		verdict := c.judge(p.jpeg)
		if verdict.wrong != "" {
			return errors.New(verdict.wrong)
		}
		if verdict.live { // a placeholder may be drawn while a picture is on its way
			if p.captured.Before(last) {
				return fmt.Errorf("a picture of %v after one of %v", p.captured, last)
			}
			last = p.captured
		}
	}
}

// judge looks at a picture. Viewers share pictures, so each is looked at once.
func (c *crowd) judge(b []byte) verdict {
	key := maphash.Bytes(hashSeed, b)
	if key%c.looks != 0 {
		return verdict{}
	}
	c.mu.Lock()
	v, known := c.seen[key]
	c.mu.Unlock()
	if !known {
		v = look(b)
		c.mu.Lock()
		c.seen[key] = v
		c.mu.Unlock()
	}
	return v
}

// look expects a test camera's picture or a placeholder, whose strip is dark.
func look(b []byte) verdict {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return verdict{wrong: err.Error()}
	}
	if _, ok := pattern.Decode(img); ok {
		return verdict{live: true}
	}
	strip := pattern.Strip(img.Bounds().Dx(), img.Bounds().Dy())
	for i := range pattern.Cells {
		if brightest(img, pattern.Cell(strip, i)) > 128 {
			return verdict{wrong: "a picture whose number is wrong"}
		}
	}
	return verdict{}
}

func brightest(img image.Image, in image.Rectangle) (most uint8) {
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			most = max(most, color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
		}
	}
	return most
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

// resident is a process's resident memory in bytes.
func resident(t testing.TB, pid int) float64 {
	var pages, shared float64
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err == nil {
		_, err = fmt.Sscan(string(b), new(int), &pages, &shared)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	return pages * float64(os.Getpagesize())
}
