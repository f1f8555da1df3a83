package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
)

// BenchmarkWallScreen measures how much later a picture is on the screen of Chromium than at a client of the wall on the same machine that
// does not decode. The camera sends 25 pictures a second, and the page has one tile. chromium-core is the CPU time of all of Chromium's
// processes, as a share of a processor. An operation is a turn; use -benchtime 1s.
func BenchmarkWallScreen(b *testing.B) {
	camera := &videoCamera{clip: loadClips(b, numberedClip{Size: sizeOfMain, Frames: 20 * clipRate})}
	d := start(b, options{config: longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: a, title: A, source: '%s', stall_timeout: 2m}\n", camera.serve(b))})
	d.waitForState("a", "live")
	arrivals := watchArrivals(b, d, camera)
	for _, player := range []string{"WebCodecs", "MSE"} {
		b.Run(player, func(b *testing.B) {
			p := openVideoBrowser(b, 1280, 800)
			p.open(d.URL + "/?player=" + strings.ToLower(player))
			waitForTrack(p, tileOf("a"), "video "+player)
			waitForNewPictures(p, tileOf("a"), camera)
			settle()
			var delays []time.Duration
			var samples sampledPictures
			for b.Loop() {
				begin, used := time.Now(), p.cpuTime()
				<-time.After(figureWindow()) // without the probe
				b.ReportMetric((p.cpuTime()-used)/time.Since(begin).Seconds(), "chromium-core")
				samplePictures(p, tileOf("a"))
				waitForSamples(p, int(figureWindow()*clipRate/time.Second))
				samples = endSamples(p)
				delays = append(delays, arrivals.delays(b, samples)...)
			}
			reportQuantiles(b, delays)
			b.ReportMetric(float64(samples.Damaged), "damaged")
			b.ReportMetric(float64(len(samples.Samples)-1)*1000/(samples.Samples[len(samples.Samples)-1][0]-samples.Samples[0][0]), "fps")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpuTime returns the CPU time of all of the browser's processes, in seconds.
func (b *browser) cpuTime() (seconds float64) {
	b.t.Helper()
	info, err := chromedp.CallBrowser(b.ctx, systeminfo.GetProcessInfo, struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range info.ProcessInfo {
		seconds += p.CPUTime
	}
	return seconds
}

// frameArrivals are when the frames of a camera arrived at a client of the wall.
type frameArrivals struct {
	camera *videoCamera

	mu sync.Mutex
	at map[int]time.Time // by number since the camera's start
}

// watchArrivals watches a camera over a wall and decodes nothing, until the test ends.
func watchArrivals(b *testing.B, d *daemon, camera *videoCamera) *frameArrivals {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	conn, _, err := websocket.Dial(ctx, strings.Replace(d.URL, "http", "ws", 1)+"/api/v1/wall?cameras=a&view=full&decodes=avc1.640033", nil)
	if err != nil {
		b.Fatal(err)
	}
	a := &frameArrivals{camera: camera, at: map[int]time.Time{}}
	var reading sync.WaitGroup
	b.Cleanup(func() { cancel(); _ = conn.CloseNow(); reading.Wait() })
	reading.Go(func() {
		for {
			kind, m, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if kind != websocket.MessageBinary || !a.note(m) {
				continue
			}
			stream, seq := binary.BigEndian.Uint16(m[2:]), binary.BigEndian.Uint64(m[12:])
			ack, _ := json.Marshal(map[string]any{"type": "ack", "seen": map[string]uint64{fmt.Sprint(stream): seq}})
			if conn.Write(ctx, websocket.MessageText, ack) != nil {
				return
			}
		}
	})
	return a
}

// note records a piece of a frame, and reports whether it was the last one (docs/protocol.md).
func (a *frameArrivals) note(m []byte) (isLast bool) {
	const header, catchUp = 40, 4
	length, offset := int(binary.BigEndian.Uint32(m[4:])), int(binary.BigEndian.Uint32(m[8:]))
	if offset+len(m)-header < length {
		return false
	}
	taken := time.UnixMicro(int64(binary.BigEndian.Uint64(m[20:])))
	n := int(math.Round(taken.Sub(a.camera.begin).Seconds() * float64(a.camera.rate)))
	a.mu.Lock()
	defer a.mu.Unlock()
	if m[1]&catchUp == 0 {
		a.at[n] = time.Now()
	}
	return true
}

// delays returns how long after their arrival the pictures were on a screen.
func (a *frameArrivals) delays(b *testing.B, s sampledPictures) (all []time.Duration) {
	b.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, sample := range s.Samples[1:] { // the first one may have been there for long
		at := time.UnixMicro(int64(sample[0] * 1000))
		position := int(at.Sub(a.camera.begin) * time.Duration(a.camera.rate) / time.Second)
		if arrived, ok := a.at[position-a.camera.framesBefore(position, uint32(sample[1]))]; ok {
			all = append(all, at.Sub(arrived))
		}
	}
	if len(all) < len(s.Samples)/2 {
		b.Fatalf("%d of %d pictures have arrived at the other client", len(all), len(s.Samples))
	}
	return all
}

// BenchmarkWallOpen measures the time from the key that opens a camera to its first picture in full size, which the probe sees on the page.
// The camera runs, sends a keyframe every four seconds, and has a substream, which its tile shows. An operation is one opening.
func BenchmarkWallOpen(b *testing.B) {
	sub := &videoCamera{clip: loadClips(b, numberedClip{Frames: 20 * clipRate})}
	substream := sub.serve(b)
	for _, size := range []struct {
		name string
		clip func() *videoClip
	}{
		{"640x352", func() *videoClip {
			return loadClips(b, numberedClip{Size: sizeOfMain, Frames: 20 * clipRate, Encoder: "keyint=100"})
		}},
		{"1920x1080", func() *videoClip { c := &videoClip{codec: "h264"}; c.appendFile(b, fullHDClip(b, 100)); return c }},
	} {
		camera := &videoCamera{clip: size.clip()}
		d := start(b, options{config: longWriteTimeout + fmt.Sprintf("cameras:\n  - {id: a, title: A, source: '%s', substream: '%s', stall_timeout: 2m}\n"+
			"  - {id: b, title: B, source: '%s', stall_timeout: 2m}\n", camera.serve(b), substream, substream)})
		d.waitForCamera("a", "live with both tracks", func(s state) bool { return s.sendsVideo("video") && s.sendsVideo("sub") })
		for _, player := range []string{"WebCodecs", "MSE"} {
			b.Run(size.name+"/"+player, func(b *testing.B) {
				p := openVideoBrowser(b, 1280, 800)
				p.open(d.URL + "/?player=" + strings.ToLower(player))
				waitForTrack(p, tileOf("a"), "sub "+player)
				var waits []time.Duration
				for b.Loop() {
					ms, err := strconv.ParseFloat(p.evaluatePromise(fmt.Sprintf(`probe.measureOpening('1', %q, %q)`, singleView, size.name)), 64)
					if err != nil {
						b.Fatal(err)
					}
					waits = append(waits, time.Duration(ms*float64(time.Millisecond)))
					p.pressKey("\x1b")
					p.waitForText("", singleViewTitle)
					waitForNewPictures(p, tileOf("a"), sub) // so that the next opening is at another place of the group
				}
				slices.Sort(waits)
				reportQuantiles(b, waits)
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
