package e2e

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

// A page with sixteen cameras stays open (SOAK=30m for a long run). Its memory does not grow, and it gets every picture.
func TestOpenPageDoesNotGrow(t *testing.T) {
	t.Parallel()
	length := soakDuration(t)
	d := start(t, options{config: smallTestCameras("cam", 16)})
	for id := range d.cameras() {
		d.waitForState(id, "live")
	}
	b := openBrowser(t, 1280, 800)
	b.do(chromedp.Navigate(d.URL + "/"))
	for i := range 16 {
		waitForMotion(t, b, "cam"+itoa(i))
	}
	// Without this the browser keeps every answer for its debugger.
	if _, err := chromedp.Call(b.ctx, network.Disable, struct{}{}); err != nil {
		t.Fatal(err)
	}
	var heaps, processes []float64
	tick := time.NewTicker(max(length/60, time.Second))
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < length || len(heaps) < 10; <-tick.C {
		heaps = append(heaps, b.heapBytes())
		processes = append(processes, b.residentMB())
	}
	for i := range 16 {
		waitForMotion(t, b, "cam"+itoa(i))
	}
	var list struct {
		Viewers []struct{ Sent, Dropped uint64 }
	}
	d.getJSON("/api/v1/viewers", &list)
	var sent, dropped uint64
	for _, v := range list.Viewers {
		sent += v.Sent
		dropped += v.Dropped
	}
	fifth := len(heaps) / 5
	// The minimum, because objects in use are added to it.
	heap, heapLate := slices.Min(heaps[fifth:2*fifth]), slices.Min(heaps[4*fifth:])
	all, allLate := mean(processes[fifth:2*fifth]), mean(processes[4*fifth:])
	t.Logf("%v: %d pictures taken, %d left out; heap %.2f -> %.2f MB (%+.1f %%); Chromium %.0f -> %.0f MB (%+.1f %%)", length, sent, dropped,
		heap/1e6, heapLate/1e6, 100*(heapLate/heap-1), all, allLate, 100*(allLate/all-1))
	if len(list.Viewers) != 16 || sent == 0 {
		t.Errorf("%d viewers took %d pictures", len(list.Viewers), sent)
	}
	if length >= 5*time.Minute {
		t.Logf("heap %.0f, Chromium %.0f", heaps, processes)
	}
	if length >= 30*time.Minute && (heapLate > 1.05*heap || allLate > 1.05*all) { // in less time both still grow to their size
		t.Error("the page has grown")
	}
	b.checkConsole()
}

// heapBytes returns the memory of the page's objects in bytes, after a garbage collection.
func (b *browser) heapBytes() float64 {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, heapprofiler.CollectGarbage, struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	usage, err := chromedp.Call(b.ctx, runtime.GetHeapUsage, struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	return usage.UsedSize + usage.EmbedderHeapUsedSize + usage.BackingStorageSize
}

// residentMB returns the memory of all Chromium processes in MB. Shared memory counts once.
func (b *browser) residentMB() float64 {
	b.t.Helper()
	info, err := chromedp.CallBrowser(b.ctx, systeminfo.GetProcessInfo, struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	sum := 0.0
	for _, p := range info.ProcessInfo {
		mb, err := readMegabytes(int(p.ID), "Pss")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) { // it has ended meanwhile
			continue
		}
		if err != nil {
			b.t.Fatal(err)
		}
		sum += mb
	}
	return sum
}
