package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
	"golang.org/x/sys/unix"
)

// The cameras of a wall as people have it: sixteen small ones and one opened.
const (
	small     = 16
	smallRate = 5
	fullRate  = 30
)

func wallOfPreviews() string {
	config := fmt.Sprintf("cameras:\n  - {id: full, source: 'test://?size=1280x720&fps=%d'}\n", fullRate)
	for i := range small {
		config += fmt.Sprintf("  - {id: c%d, source: 'test://?size=640x360&fps=%d'}\n", i, smallRate)
	}
	return config
}

// BenchmarkWall is what the daemon's processor time for a wall is to that for the same pictures as plain streams: by a client
// of a few lines that acknowledges, and by Chromium. They take turns; an operation is a turn of each, five seconds long.
func BenchmarkWall(b *testing.B) {
	for name, begin := range map[string]func(b *testing.B, d *daemon) *audience{"go": wallOf, "chromium": chromiumOf} {
		b.Run(name, func(b *testing.B) {
			d := start(b, options{config: wallOfPreviews()})
			for id := range d.cameras() {
				d.reaches(id, "live")
			}
			var walls, streams, ratios, rates []float64
			for b.Loop() {
				wall, rate := d.cost(b, begin)
				stream, other := d.cost(b, streamsOf)
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

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// audience watches all cameras and counts pictures until it is told to leave.
type audience struct {
	pictures func() int
	leave    func()
}

// cost returns the microseconds of processor time that camd takes for each picture, and the pictures a second.
func (d *daemon) cost(b *testing.B, begin func(*testing.B, *daemon) *audience) (micros, rate float64) {
	a := begin(b, d)
	defer a.leave()
	until := func(n int) { eventually(b, "pictures", func() bool { return a.pictures() >= n }) }
	const each = small*smallRate + fullRate // a second
	until(each)                             // all is warm
	n, used, at := a.pictures(), d.used(b), time.Now()
	until(n + 5*each)
	n, used = a.pictures()-n, d.used(b)-used
	return float64(used.Microseconds()) / float64(n), float64(n) / time.Since(at).Seconds()
}

// used is the processor time of all the daemon's threads, by the clock that the kernel keeps for a process.
func (d *daemon) used(b testing.TB) time.Duration {
	b.Helper()
	const perProcess = 2 // of the scheduler, see clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^d.cmd.Process.Pid<<3|perProcess), &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

func wallOf(b *testing.B, d *daemon) *audience {
	ctx, cancel := context.WithCancel(context.Background())
	conn, _, err := websocket.Dial(ctx, strings.Replace(d.URL, "http", "ws", 1)+"/api/v1/wall", nil)
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	say := func(what map[string]any) error {
		text, _ := json.Marshal(what)
		return conn.Write(ctx, websocket.MessageText, text)
	}
	_ = say(map[string]any{"type": "subscribe", "camera": "full", "rendition": "main"})
	for i := range small {
		_ = say(map[string]any{"type": "subscribe", "camera": fmt.Sprint("c", i)})
	}
	var n atomic.Int64
	var done sync.WaitGroup
	done.Go(func() {
		for {
			kind, m, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if kind != websocket.MessageBinary {
				continue
			}
			n.Add(1)
			camera := string(m[28 : 28+binary.BigEndian.Uint16(m[24:])])
			_ = say(map[string]any{"type": "ack", "camera": camera, "seq": binary.BigEndian.Uint64(m[4:])})
		}
	})
	return &audience{func() int { return int(n.Load()) }, func() { cancel(); done.Wait() }}
}

func streamsOf(b *testing.B, d *daemon) *audience {
	ctx, cancel := context.WithCancel(context.Background())
	paths := []string{"full/stream.mjpg"}
	for i := range small {
		paths = append(paths, fmt.Sprintf("c%d/stream.mjpg?rendition=preview", i))
	}
	var n atomic.Int64
	var done sync.WaitGroup
	for _, path := range paths {
		v, err := open(ctx, d.URL+"/cameras/"+path)
		if err != nil {
			b.Fatal(err)
		}
		done.Go(func() {
			defer v.body.Close()
			for {
				if _, err := v.read(); err != nil {
					return
				}
				n.Add(1)
			}
		})
	}
	return &audience{func() int { return int(n.Load()) }, func() { cancel(); done.Wait() }}
}

// chromiumOf is a page that decodes each picture before it acknowledges it.
func chromiumOf(b *testing.B, d *daemon) *audience {
	page := openBrowser(b, 1280, 800)
	page.do(chromedp.Navigate(d.URL + "/healthz"))
	page.text(`(() => {
		window.pictures = 0;
		const wall = new WebSocket('/api/v1/wall');
		wall.binaryType = 'arraybuffer';
		const say = what => wall.send(JSON.stringify(what));
		wall.onopen = () => {
			say({type: 'subscribe', camera: 'full', rendition: 'main'});
			for (let n = 0; n < ` + itoa(small) + `; n++) say({type: 'subscribe', camera: 'c' + n});
		};
		wall.onmessage = async ({data}) => {
			if (typeof data === 'string') return;
			const head = new DataView(data);
			const camera = new TextDecoder().decode(new Uint8Array(data, 28, head.getUint16(24)));
			(await createImageBitmap(new Blob([new Uint8Array(data, head.getUint16(2))], {type: 'image/jpeg'}))).close();
			window.pictures++;
			say({type: 'ack', camera, seq: Number(head.getBigUint64(4))});
		};
		return '';
	})()`)
	return &audience{
		func() int { n, _ := strconv.Atoi(page.text(`window.pictures + ''`)); return n },
		func() { page.do(chromedp.Navigate("about:blank")) },
	}
}
