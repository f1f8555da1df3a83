package e2e

import (
	"encoding/json"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// MSE shows every picture of a stream whose frames come one by one.
func TestMSEShowsEveryPicture(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 60)
	p := openMSEPage(t, d, stream)
	p.call("writeInTurn", stream.frames)
	r := p.result()
	if len(r.Pictures) != len(stream.frames) {
		t.Errorf("%d pictures", len(r.Pictures))
	}
	stream.checkShown(t, r.Pictures, 0)
}

// MSE shows the pictures of a stream in their order, of any encoder, and removes what it has played.
func TestMSEShowsPicturesInOrder(t *testing.T) {
	t.Parallel()
	for name, encoder := range map[string]string{
		"without B-frames": "", "keyframes only": "keyint=1",
		"B-frames": "bframes=3:b-adapt=0", "B-frames in a pyramid": "bframes=3:b-adapt=0:b-pyramid=normal",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100, Encoder: encoder}, 200)
			p := openMSEPage(t, d, stream)
			p.play(stream.frames)
			r := p.checkPlayed(stream)
			if r.Details.Player != "MSE" || r.Pictures[0].Size != "320x176" {
				t.Errorf("%+v, %s", r.Details, r.Pictures[0].Size)
			}
			p.until("playerPage.display.video.buffered.start(0) > 0")
		})
	}
}

// Frames to catch up with are decoded and not shown.
func TestMSECatchesUp(t *testing.T) {
	t.Parallel()
	for _, encoder := range []string{"keyint=50", "keyint=50:bframes=3:b-adapt=0"} {
		d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100, Encoder: encoder}, 100)
		for i := range stream.frames[:45] {
			stream.frames[i].CatchUp = true
		}
		p := openMSEPage(t, d, stream)
		p.play(stream.frames)
		r := p.checkPlayed(stream)
		if first := r.Pictures[0].Seq; first <= 45 {
			t.Errorf("%s: picture %d was shown", encoder, first)
		}
	}
}

// After frames that were left out, an outage or a jump of the camera's clock, the pictures go on.
func TestMSEClosesGaps(t *testing.T) {
	t.Parallel()
	for _, encoder := range []string{"", "bframes=3:b-adapt=0"} {
		t.Run(encoder, func(t *testing.T) {
			t.Parallel()
			d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100, Encoder: encoder}, 250)
			p := openMSEPage(t, d, stream)
			var clock time.Duration
			rest := slices.Clone(stream.frames)
			for _, gap := range []struct {
				jump     time.Duration
				isOutage bool
			}{{}, {}, {20 * time.Second, false}, {-30 * time.Second, false}, {1000 * time.Hour, false}, {700 * time.Millisecond, false}, {0, true}, {20 * time.Second, true}, {-20 * time.Second, true}} {
				if gap.isOutage {
					p.call("untilStopped")
				}
				group := rest[:1+slices.IndexFunc(rest[1:], func(f playerFrame) bool { return f.Key })]
				rest = rest[len(group):]
				clock += gap.jump
				for i := range group {
					group[i].PTS += clock.Microseconds()
				}
				p.play(group[:len(group)-5]) // the others are left out
			}
			stream.frames = stream.frames[:len(stream.frames)-len(rest)-5]
			p.checkPlayed(stream)
		})
	}
}

// A new stream on the same element can have another size. Until it has a picture, the last one of the older stream is shown.
func TestMSEChangesStream(t *testing.T) {
	t.Parallel()
	d, small, _ := startVideoCamera(t, numberedClip{Frames: 100}, 30)
	_, large, _ := startVideoCamera(t, numberedClip{Frames: 100, Size: image.Pt(640, 352)}, 30)
	p := openMSEPage(t, d, small)
	p.play(small.frames)
	p.evaluate("globalThis.older = playerPage.player; ''")
	p.call("openMSE", large)
	const shown = "(() => { const c = playerPage.copyOf(playerPage.display.shown); return `${playerPage.display.shown.tagName} ${c.width}`; })()"
	if got := p.evaluate(shown); got != "CANVAS 320" {
		t.Errorf("%s is shown before the first picture", got)
	}
	p.play(large.frames)
	p.evaluate("older.close(); ''")
	if got := p.evaluate(shown); got != "VIDEO 640" {
		t.Errorf("%s is shown", got)
	}
}

// Nothing is left of the video of a camera that was turned off.
func TestMSELeavesNothing(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 60)
	p := openMSEPage(t, d, stream)
	p.play(stream.frames)
	p.evaluate("playerPage.url = playerPage.display.video.src; playerPage.source = playerPage.player.source; ''")
	p.evaluate("playerPage.close(); playerPage.display.clear(); ''")
	p.until("playerPage.source.readyState === 'closed' && playerPage.source.sourceBuffers.length === 0")
	if got := p.evaluate("(({ src, currentSrc, videoWidth, buffered }) => JSON.stringify([src, videoWidth, buffered.length]))(playerPage.display.video)"); got != `["",0,0]` {
		t.Errorf("the element has %s", got)
	}
	if got := p.evaluatePromise("fetch(playerPage.url).then(() => 'found', () => 'gone')"); got != "gone" {
		t.Error("the address of the video is still valid")
	}
	p.call("write", stream.frames[:1])
	if r := p.result(); len(r.Failed) != 0 {
		t.Errorf("%q", r.Failed)
	}
}

// Each failure is reported once, and the frames before it are acknowledged.
func TestMSEFails(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 40)
	damaged, unknown, empty, noKeyframe := *stream, *stream, *stream, *stream
	damaged.frames = slices.Clone(stream.frames)
	for i := range damaged.frames[20:] {
		damaged.frames[20+i].Data = slices.Repeat([]byte{0xff}, 100) // a NAL unit that is longer than the frame
	}
	unknown.Codec = "avc1.ffffff"
	empty.Init = stream.Init[:40]
	noKeyframe.frames = stream.frames[1:20]
	p := openMSEPage(t, d, stream)
	for name, s := range map[string]playerStream{"damaged": damaged, "unknown codec": unknown, "empty": empty, "no keyframe": noKeyframe} {
		p.call("openMSE", s)
		p.call("writeAtRate", s.frames)
		p.until("playerPage.failed.length > 0")
		p.call("write", s.frames)
		if r := p.result(); len(r.Failed) != 1 || r.Failed[0] == "" || len(r.Taken) == 0 && name != "unknown codec" {
			t.Errorf("%s: failed %q; taken %v", name, r.Failed, r.Taken)
		}
	}
	p.call("openMSE", stream)
	p.play(stream.frames)
}

// A browser without room gets it from what was played.
func TestMSEMakesRoom(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 100)
	p := openMSEPage(t, d, stream)
	p.evaluate(`{
		const { appendBuffer } = SourceBuffer.prototype;
		let appends = 0;
		SourceBuffer.prototype.appendBuffer = function (bytes) {
			if (++appends % 60 === 0) throw new DOMException('no room', 'QuotaExceededError');
			appendBuffer.call(this, bytes);
		};
	} ''`)
	p.play(stream.frames)
	p.checkPlayed(stream)
}

// A page that was hidden shows the newest picture.
func TestMSEGoesOnAfterAHiddenPage(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 200)
	p := openMSEPage(t, d, stream)
	p.play(stream.frames[:50])
	p.hide()
	p.call("writeAtRate", stream.frames[50:150])
	p.show()
	p.play(stream.frames[150:])
	p.checkPlayed(stream)
}

// MSE works on plain http, where a page has no WebCodecs, and with the pages' content security policy.
func TestMSEPlaysOnPlainHTTP(t *testing.T) {
	t.Parallel()
	const name = "camd.example"
	camera := &videoCamera{clip: loadClips(t, numberedClip{Frames: 100})}
	d := start(t, options{config: longWriteTimeout + fmt.Sprintf("hosts: [%s]\ncameras:\n  - {id: cam, source: '%s', stall_timeout: 2m}\n", name, camera.serve(t))})
	stream := d.recordVideo("cam", 60)
	p := &playerPage{openBrowser(t, 800, 600, chromedp.Flag("host-resolver-rules", "MAP "+name+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))}
	p.do(chromedp.Navigate("http://" + name + d.URL[len("http://127.0.0.1"):] + "/"))
	p.evaluate(playerPageScript + ";" + msePageScript + "; ''")
	if got := p.evaluate("`${isSecureContext} ${typeof VideoDecoder}`"); got != "false undefined" {
		t.Errorf("secure context and WebCodecs: %s", got)
	}
	p.call("openMSE", stream)
	p.play(stream.frames)
	p.checkPlayed(stream)
}

// BenchmarkMSEAge reports how long after the player gets a frame its picture is on the screen. An operation is ten seconds of video.
func BenchmarkMSEAge(b *testing.B) {
	camera := &videoCamera{clip: loadClips(b, numberedClip{Size: image.Pt(640, 352)})}
	d := start(b, options{config: "cameras:\n  - {id: cam, source: '" + camera.serve(b) + "'}\n"})
	stream := d.recordVideo("cam", int(measureDuration(10*time.Second)*clipRate/time.Second)+clipRate)
	p := openMSEPage(b, d, stream)
	var ages []time.Duration
	for b.Loop() {
		p.call("openMSE", stream)
		p.play(stream.frames)
		var ms []float64
		if err := json.Unmarshal([]byte(p.call("agesText")), &ms); err != nil {
			b.Fatal(err)
		}
		for _, age := range ms {
			ages = append(ages, time.Duration(age*float64(time.Millisecond)))
		}
	}
	reportQuantiles(b, ages)
	b.ReportMetric(0, "ns/op")
}
