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
	"camd/pkg/source/framenumber"
)

// soakDuration returns how long TestSoakDisconnectsNoViewerAndLeaksNothing and TestOpenPageDoesNotGrow run: SOAK in the environment, such
// as 1h, or 20 s.
func soakDuration(t testing.TB) time.Duration {
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

// Eight cameras, two of them behind another camd, a hundred viewers that join and leave, and repeated faults: no viewer is
// disconnected, every picture is one of its camera, and memory does not grow.
func TestSoakDisconnectsNoViewerAndLeaksNothing(t *testing.T) {
	length := soakDuration(t)
	fault := max(length/720, 500*time.Millisecond) // every 5 s of an hour
	upstream := start(t, options{config: smallTestCameras("up", 2)})
	d := start(t, options{config: smallTestCameras("cam", 6) + fmt.Sprintf(
		"  - {id: far0, source: '%[1]s/cameras/up0/stream.mjpg', stall_timeout: 2s}\n"+
			"  - {id: far1, source: '%[1]s/cameras/up1/stream.mjpg', stall_timeout: 2s}\nlog: {level: warn}\n", upstream.URL)})
	for id := range d.cameras() {
		d.waitForState(id, "live")
	}
	seed := testpeer.Seed(t)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	c := &changingViewers{t: t, url: d.URL, decodeEvery: 4, cameras: []string{"cam0", "cam1", "cam2", "cam3", "cam4", "cam5", "far0", "far1"}, checked: map[uint64]pictureResult{}}
	if length >= time.Hour {
		c.decodeEvery = 1
	}
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() { c.watchInTurn(ctx, rand.New(rand.NewPCG(seed, uint64(i))), length/60) })
	}
	group.Go(func() { disturbWorkers(ctx, rand.New(rand.NewPCG(seed, 1000)), fault, upstream, d) })
	var sizes []float64 // resident bytes, once a second
	for tick := time.NewTicker(time.Second); ctx.Err() == nil; {
		select {
		case <-tick.C:
			sizes = append(sizes, residentBytes(t, d.cmd.Process.Pid))
		case <-ctx.Done():
			tick.Stop()
		}
	}
	group.Wait()
	for id := range d.cameras() {
		d.waitForState(id, "live")
	}
	crashes := uint64(0)
	for _, s := range d.cameras() {
		crashes += s.Counts.Restarts["worker_crashed"]
	}
	early, late := mean(sizes[len(sizes)/5:2*len(sizes)/5]), mean(sizes[4*len(sizes)/5:])
	t.Logf("%v: %d visits, %d pictures seen, %d different, %d capture processes crashed; resident %.1f MB early, %.1f MB late (%+.1f %%)",
		length, c.visits.Load(), c.pictures.Load(), len(c.checked), crashes, early/1e6, late/1e6, 100*(late/early-1))
	if crashes == 0 {
		t.Error("there was no fault")
	}
	if length >= time.Hour && late > 1.05*early { // in less time the heap still grows to its size
		t.Errorf("resident memory grew from %.1f to %.1f MB", early/1e6, late/1e6)
	}
}

// smallTestCameras returns a configuration with n test cameras. They are small and slow, because there are many of them.
func smallTestCameras(name string, n int) string {
	var b strings.Builder
	b.WriteString(longWriteTimeout + "cameras:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: %s%d, source: 'test://?size=320x180&fps=%d', stall_timeout: 2m}\n", name, i, 5+i)
	}
	return b.String()
}

// disturbWorkers kills, stops and continues capture processes.
func disturbWorkers(ctx context.Context, r *rand.Rand, every time.Duration, daemons ...*daemon) {
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

// changingViewers are viewers that change cameras, and the pictures that they got.
type changingViewers struct {
	t                *testing.T
	url              string
	decodeEvery      uint64 // one in decodeEvery pictures is decoded, which is slow with the race detector
	cameras          []string
	visits, pictures atomic.Uint64

	mu      sync.Mutex
	checked map[uint64]pictureResult // by a hash of the picture
}

// pictureResult is the result of checking a picture.
type pictureResult struct {
	live    bool
	problem string // empty if it is good
}

var hashSeed = maphash.MakeSeed()

// watchInTurn watches one camera after another, each for a random time of at most longest.
func (c *changingViewers) watchInTurn(ctx context.Context, r *rand.Rand, longest time.Duration) {
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

func (c *changingViewers) watch(ctx context.Context, url string) error {
	v, err := openStream(ctx, url)
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
		verdict := c.check(p.jpeg)
		if verdict.problem != "" {
			return errors.New(verdict.problem)
		}
		if verdict.live { // a placeholder may be drawn while a picture is on its way
			if p.captured.Before(last) {
				return fmt.Errorf("a picture of %v after one of %v", p.captured, last)
			}
			last = p.captured
		}
	}
}

// check checks a picture. Viewers share pictures, so each is checked once.
func (c *changingViewers) check(b []byte) pictureResult {
	key := maphash.Bytes(hashSeed, b)
	if key%c.decodeEvery != 0 {
		return pictureResult{}
	}
	c.mu.Lock()
	v, known := c.checked[key]
	c.mu.Unlock()
	if !known {
		v = checkPicture(b)
		c.mu.Lock()
		c.checked[key] = v
		c.mu.Unlock()
	}
	return v
}

// checkPicture accepts a test camera's picture, or a placeholder, whose strip is dark.
func checkPicture(b []byte) pictureResult {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return pictureResult{problem: err.Error()}
	}
	if _, ok := framenumber.Decode(img); ok {
		return pictureResult{live: true}
	}
	strip := framenumber.Strip(img.Bounds().Dx(), img.Bounds().Dy())
	for i := range framenumber.Cells {
		if maxBrightness(img, framenumber.Cell(strip, i)) > 128 {
			return pictureResult{problem: "a picture whose number is wrong"}
		}
	}
	return pictureResult{}
}

func maxBrightness(img image.Image, in image.Rectangle) (most uint8) {
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

// residentBytes returns a process's resident memory in bytes.
func residentBytes(t testing.TB, pid int) float64 {
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
