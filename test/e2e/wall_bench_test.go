package e2e

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"
)

// The cameras of a typical wall: sixteen small ones and one in full size.
const (
	smallCameras = 16
	smallRate    = 5
	fullRate     = 30
)

func wallOfPreviews() string {
	config := fmt.Sprintf("cameras:\n  - {id: full, source: 'test://?size=1280x720&fps=%d'}\n", fullRate)
	for i := range smallCameras {
		config += fmt.Sprintf("  - {id: c%d, source: 'test://?size=640x360&fps=%d'}\n", i, smallRate)
	}
	return config
}

// BenchmarkWall compares the daemon's CPU time for a wall with that for the same pictures as plain streams, with simple clients and with
// Chromium. They take turns. An operation is a turn of each, five seconds long.
func BenchmarkWall(b *testing.B) {
	for name, clients := range map[string]func(*testing.B) (wall, streams watcher){
		"go":       func(b *testing.B) (wall, streams watcher) { return wallWatcher(b), streamsWatcher(b) },
		"chromium": chromiumWatchers,
	} {
		b.Run(name, func(b *testing.B) {
			onWall, onStreams := clients(b)
			d := start(b, options{config: wallOfPreviews(), args: []string{"--listen", "0.0.0.0:0", "--anonymous", "admin"}})
			for id := range d.cameras() {
				d.waitForState(id, "live")
			}
			var walls, streams, ratios, rates []float64
			for b.Loop() {
				wall, rate := d.measureCost(b, onWall)
				stream, other := d.measureCost(b, onStreams)
				walls, streams, ratios, rates = append(walls, wall), append(streams, stream), append(ratios, wall/stream), append(rates, rate, other)
			}
			b.ReportMetric(median(walls), "wall-µs/frame")
			b.ReportMetric(median(streams), "streams-µs/frame")
			b.ReportMetric(median(ratios), "median-ratio")
			b.ReportMetric(slices.Min(rates), "min-fps")
			b.ReportMetric(slices.Max(rates), "max-fps")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watcher starts to watch, and returns a function that stops it.
type watcher func(*daemon) (leave func())

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// measureCost returns the CPU time of camd for each picture that it sends, in microseconds, and the pictures per second.
func (d *daemon) measureCost(b *testing.B, begin watcher) (micros, rate float64) {
	leave := begin(d)
	defer leave()
	before := d.framesSent()
	eventually(b, "200 pictures to warm up", func() bool { return d.framesSent() > before+200 })
	n, used, at := d.framesSent(), d.cpuTime(b), time.Now()
	<-time.After(measureDuration(5 * time.Second)) // without requests meanwhile
	used = d.cpuTime(b) - used
	took := time.Since(at)
	n = d.framesSent() - n
	return float64(used.Microseconds()) / n, n / took.Seconds()
}

// framesSent returns how many pictures camd has sent to viewers.
func (d *daemon) framesSent() (n float64) {
	_, _, text := get(d.t, d.URL+"/metrics")
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "camd_viewer_frames_sent_total{") {
			v, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			n += v
		}
	}
	return n
}

// cpuTime returns the CPU time of all the daemon's threads, by the kernel's clock of the process.
func (d *daemon) cpuTime(b testing.TB) time.Duration {
	b.Helper()
	const perProcess = 2 // the scheduler's clock, see clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^d.cmd.Process.Pid<<3|perProcess), &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

func wallWatcher(b *testing.B) watcher {
	return func(d *daemon) (leave func()) { return openWall(b, d) }
}

func openWall(b *testing.B, d *daemon) (leave func()) {
	wall := d.dialWall(b, wallOptions{})
	wall.subscribe("full", "full")
	for i := range smallCameras {
		wall.subscribe(fmt.Sprint("c", i), "grid")
	}
	stop := wall.drain()
	return func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	}
}

// streamPaths are the streams with the same pictures as the wall.
func streamPaths() []string {
	paths := []string{"/cameras/full/stream.mjpg"}
	for i := range smallCameras {
		paths = append(paths, fmt.Sprintf("/cameras/c%d/stream.mjpg?rendition=preview", i))
	}
	return paths
}

func streamsWatcher(b *testing.B) watcher {
	return func(d *daemon) (leave func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var done sync.WaitGroup
		for _, path := range streamPaths() {
			v, err := openStream(ctx, d.URL+path)
			if err != nil {
				b.Fatal(err)
			}
			done.Go(func() { defer v.body.Close(); v.drain() })
		}
		return func() { cancel(); done.Wait() }
	}
}

// chromiumWatchers watches in a page of camd: a wall that decodes pictures before it acknowledges them, and <img>. HTTP/1.1 allows six
// connections to a host, so the <img> use several addresses of this machine.
func chromiumWatchers(b *testing.B) (wall, streams watcher) {
	page := openBrowser(b, 1280, 800, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.*"))
	watch := func(d *daemon, script string) (leave func()) {
		page.do(chromedp.Navigate(d.URL + "/healthz"))
		page.evaluate(`(() => {` + script + ` return ''; })()`)
		return func() { page.do(chromedp.Navigate("about:blank")) }
	}
	wall = func(d *daemon) (leave func()) { return watch(d, wallScript) }
	streams = func(d *daemon) (leave func()) {
		script := ""
		for i, path := range streamPaths() {
			host := fmt.Sprintf("127.0.0.%d", 1+i/6)
			script += fmt.Sprintf("document.body.append(Object.assign(new Image(), {src: %q}));\n", strings.Replace(d.URL, "127.0.0.1", host, 1)+path)
		}
		return watch(d, script)
	}
	return wall, streams
}

var wallScript = `
	const wall = new WebSocket('/api/v1/wall');
	wall.binaryType = 'arraybuffer';
	let seen = {};
	const pieces = new Map(); // of incomplete frames, by stream
	const say = what => wall.send(JSON.stringify(what));
	wall.onopen = () => {
		say({type: 'subscribe', camera: 'full', view: 'full'});
		for (let n = 0; n < ` + itoa(smallCameras) + `; n++) say({type: 'subscribe', camera: 'c' + n});
	};
	wall.onmessage = async ({data}) => {
		if (typeof data === 'string') return;
		const head = new DataView(data), stream = head.getUint16(2), length = head.getUint32(4), offset = head.getUint32(8);
		if (offset === 0) pieces.set(stream, []);
		const frame = pieces.get(stream);
		frame.push(new Uint8Array(data, ` + itoa(wallHeader) + `));
		if (offset + data.byteLength - ` + itoa(wallHeader) + ` < length) return;
		(await createImageBitmap(new Blob(frame, {type: 'image/jpeg'}))).close();
		if (!Object.keys(seen).length) setTimeout(() => { say({type: 'ack', seen}); seen = {}; }, 30);
		seen[stream] = Number(head.getBigUint64(12));
	};
`
