package e2e

import (
	"fmt"
	"image"
	"slices"
	"testing"
)

// startVideoCamera starts camd with a camera that plays a clip, and returns n frames of it.
func startVideoCamera(t *testing.T, clip numberedClip, n int) (*daemon, *playerStream, *videoCamera) {
	t.Helper()
	camera := &videoCamera{clip: loadClips(t, clip)}
	d := startVideoSources(t, []videoSource{{id: "cam", camera: camera}})
	return d, d.recordVideo("cam", n), camera
}

// playVideo opens a page and a WebCodecs player in it.
func playVideo(t *testing.T, d *daemon, stream *playerStream) *playerPage {
	t.Helper()
	p := openPlayerPage(t, d, "/")
	p.call("open", "WebCodecs", stream)
	return p
}

// WebCodecs shows each picture of a stream that comes at its rate, in the page with its content security policy.
func TestWebCodecsShowsEveryPicture(t *testing.T) {
	t.Parallel()
	d, stream, camera := startVideoCamera(t, numberedClip{Frames: 100}, 60)
	for _, view := range []string{"grid", "full"} {
		stream.View = view
		p := playVideo(t, d, stream)
		p.call("writeInTurn", stream.frames)
		p.until("playerPage.taken.at(-1) === 60")
		r := p.result()
		if len(r.Pictures) != 60 || len(r.Failed) != 0 || !slices.IsSorted(r.Taken) || r.Details.Player != "WebCodecs" || r.Details.Decoder != "software" {
			t.Errorf("%s: %d pictures; taken %v; failed %v; %v", view, len(r.Pictures), r.Taken, r.Failed, r.Details)
		}
		stream.checkOrder(t, r.Pictures, camera.loopLength())
		p.checkConsole()
	}
}

// If pictures come faster than the screen shows them, some are left out, but not the last one.
func TestWebCodecsShowsTheLastPicture(t *testing.T) {
	t.Parallel()
	d, stream, camera := startVideoCamera(t, numberedClip{Frames: 100, Encoder: "keyint=50"}, 60)
	p := playVideo(t, d, stream)
	p.call("writeInTurn", stream.frames[:1])
	p.call("write", stream.frames[1:])
	p.until("playerPage.pictures.at(-1).seq === 60 && playerPage.taken.at(-1) === 60")
	r := p.result()
	if len(r.Failed) != 0 {
		t.Errorf("failed: %v", r.Failed)
	}
	stream.checkOrder(t, r.Pictures, camera.loopLength())
	p.until(fmt.Sprintf("playerPage.shows(%d)", (r.Pictures[0].number(t)+59)%camera.loopLength()))
}

// The pictures of B-frames are shown in the order of presentation.
func TestWebCodecsShowsBFrames(t *testing.T) {
	t.Parallel()
	d, stream, camera := startVideoCamera(t, numberedClip{Frames: 100, Encoder: "bframes=3:b-adapt=0"}, 60)
	p := playVideo(t, d, stream)
	p.call("write", stream.frames[:30])
	p.until("playerPage.pictures.length > 0")
	p.call("write", stream.frames[30:])
	p.until("playerPage.pictures.at(-1).seq >= 50 && playerPage.taken.at(-1) === 60") // a decoder keeps some frames
	r := p.result()
	if len(r.Failed) != 0 {
		t.Errorf("failed: %v", r.Failed)
	}
	stream.checkOrder(t, r.Pictures, camera.loopLength())
}

// Frames to catch up with are decoded and not shown. Frames before a keyframe are skipped and acknowledged.
func TestWebCodecsCatchesUp(t *testing.T) {
	t.Parallel()
	d, stream, camera := startVideoCamera(t, numberedClip{Frames: 100, Encoder: "keyint=50"}, 80)
	for i := range stream.frames[:75] {
		stream.frames[i].CatchUp = true
	}
	p := playVideo(t, d, stream)
	p.call("write", stream.frames[1:20])
	p.until("playerPage.taken.at(-1) === 20")
	if r := p.result(); len(r.Pictures) != 0 {
		t.Errorf("pictures before a keyframe: %v", r.Pictures)
	}
	p.call("write", slices.Concat(stream.frames[:1], stream.frames[1:76]))
	p.until("playerPage.pictures.length > 0")
	p.call("read")
	p.call("writeInTurn", stream.frames[76:])
	r := p.result()
	if len(r.Failed) != 0 || r.Pictures[0].Seq != 76 || r.Pictures[len(r.Pictures)-1].Seq != 80 {
		t.Errorf("pictures %v; failed %v", r.Pictures, r.Failed)
	}
	stream.checkOrder(t, r.Pictures, camera.loopLength())
}

// A stream that cannot be decoded fails once. Its frames are acknowledged, so that camd sends the next keyframe.
func TestWebCodecsFails(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 20)
	p := playVideo(t, d, stream)
	damaged := stream.frames[5]
	damaged.Data = slices.Repeat([]byte{0xff}, 100) // a NAL unit that is longer than the frame
	p.call("write", append(slices.Clone(stream.frames[:5]), damaged))
	p.until("playerPage.failed.length > 0")
	p.call("write", stream.frames[6:])
	if r := p.result(); len(r.Failed) != 1 || r.Taken[len(r.Taken)-1] != 6 {
		t.Errorf("damaged: taken %v; failed %q", r.Taken, r.Failed)
	}
	unknown := *stream
	unknown.Codec = "avc1.ffffff"
	p.call("open", "WebCodecs", unknown)
	p.until("playerPage.failed.length > 0")
	empty := *stream
	empty.Init = stream.Init[:40]
	p.call("open", "WebCodecs", empty)
	p.until("playerPage.failed.length > 0")
	if r := p.result(); len(r.Failed) != 1 || r.Failed[0] != "the stream has no configuration of a decoder" {
		t.Errorf("no configuration: %q", r.Failed)
	}
	// The worker is not disturbed.
	p.call("open", "WebCodecs", stream)
	p.call("writeInTurn", stream.frames)
	p.checkConsole()
}

// A new stream on the same canvas can have another size. What the older player still decodes is not shown any more.
func TestWebCodecsChangesStream(t *testing.T) {
	t.Parallel()
	d, small, _ := startVideoCamera(t, numberedClip{Frames: 100}, 30)
	large, _, _ := startVideoCamera(t, numberedClip{Frames: 100, Size: image.Pt(640, 352)}, 1)
	stream := large.recordVideo("cam", 10)
	p := playVideo(t, d, small)
	p.call("writeInTurn", small.frames[:10])
	p.evaluate("globalThis.older = playerPage.player; playerPage.player = null; ''")
	p.call("open", "WebCodecs", stream)
	p.call("writeInTurn", stream.frames[:1])
	p.evaluate("globalThis.newer = playerPage.player; playerPage.player = older; ''")
	p.call("write", small.frames[10:])
	p.evaluate("playerPage.player = newer; ''")
	p.call("writeInTurn", stream.frames[1:])
	r := p.result()
	if r.Pictures[0].Size != "640x352" || len(r.Pictures) != 10 {
		t.Errorf("pictures %v", r.Pictures)
	}
	// Without the picture of a camera that was turned off, nothing is left in the canvas.
	p.evaluate("globalThis.canvas = playerPage.display.shown; playerPage.close(); playerPage.display.clear(); ''")
	p.until("canvas.width === 1")
}
