package e2e

import (
	"encoding/json"
	"testing"
)

// These tests replace the decoder of the worker.

// playWith opens a WebCodecs player in a page whose worker runs a script first.
func playWith(t *testing.T, d *daemon, stream *playerStream, script string) *playerPage {
	t.Helper()
	p := openPlayerPage(t, d, "/assets/theme.js") // a page without a content security policy, which would forbid the script
	p.call("replaceDecoder", script)
	p.call("open", "WebCodecs", stream)
	return p
}

// A decoder that takes frames and delivers nothing is a failure.
func TestWebCodecsOfSilentDecoder(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 20)
	p := playWith(t, d, stream, `
		const Original = VideoDecoder;
		self.VideoDecoder = class extends Original {
			constructor(init) { super({ ...init, output: (frame) => frame.close() }); }
		};`)
	p.call("write", stream.frames)
	p.until("playerPage.failed.length > 0")
	if r := p.result(); len(r.Failed) != 1 || r.Failed[0] != "the decoder delivers no pictures" || r.Taken[len(r.Taken)-1] != 20 || len(r.Pictures) != 0 {
		t.Errorf("%+v", r)
	}
}

// A stream whose decoder the browser has taken away continues with the next keyframe.
func TestWebCodecsOfReclaimedDecoder(t *testing.T) {
	t.Parallel()
	d, stream, camera := startVideoCamera(t, numberedClip{Frames: 100}, 40) // keyframes: 1 and 26
	p := playWith(t, d, stream, `
		const Original = VideoDecoder;
		let decoders = 0;
		self.VideoDecoder = class extends Original {
			constructor(init) {
				super(init);
				decoders++;
				addEventListener('message', ({ data }) => {
					if (data.type !== 'reclaim' || this.state === 'closed') return;
					this.close();
					init.error(new DOMException('Codec reclaimed due to inactivity.', 'QuotaExceededError'));
					data.port.postMessage(decoders);
				});
			}
		};`)
	p.call("writeInTurn", stream.frames[:10])
	p.call("ask", "reclaim")
	p.call("write", stream.frames[10:25])
	p.until("playerPage.taken.at(-1) === 25")
	p.call("writeInTurn", stream.frames[25:])
	r := p.result()
	if len(r.Failed) != 0 || len(r.Pictures) != 25 {
		t.Errorf("%d pictures; failed %v", len(r.Pictures), r.Failed)
	}
	stream.checkOrder(t, r.Pictures, camera.loopLength())
}

// A frame is acknowledged when the decoder has taken it, so that camd leaves out frames if the decoder is too slow.
func TestWebCodecsAcknowledgesWhatTheDecoderTakes(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 20)
	p := playWith(t, d, stream, `
		const Original = VideoDecoder;
		self.VideoDecoder = class extends Original {
			constructor(init) {
				super(init);
				this.waiting = [];
				addEventListener('message', ({ data }) => {
					if (data.type !== 'take') return;
					for (const chunk of this.waiting.splice(0, 5)) super.decode(chunk);
					this.ondequeue();
					data.port.postMessage(this.waiting.length);
				});
			}
			decode(chunk) { this.waiting.push(chunk); }
			get decodeQueueSize() { return this.waiting.length; }
		};`)
	p.call("write", stream.frames)
	for taken := 5; taken <= 20; taken += 5 {
		p.until("globalThis.worker !== undefined && playerPage.player.kind !== ''")
		if waiting := p.call("ask", "take"); waiting != itoa(20-taken) {
			t.Errorf("%s frames wait after %d", waiting, taken)
		}
		p.until("playerPage.taken.length > 0 && playerPage.taken.at(-1) >= " + itoa(taken))
		if r := p.result(); r.Taken[len(r.Taken)-1] != taken {
			t.Errorf("taken %v after %d", r.Taken, taken)
		}
	}
}

// Players that have ended leave nothing in the worker.
func TestWebCodecsFreesDecoders(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 20)
	p := playWith(t, d, stream, `
		const Original = VideoDecoder;
		const counts = { decoders: 0, openDecoders: 0, pictures: 0, openPictures: 0 };
		self.VideoDecoder = class extends Original {
			constructor(init) {
				super({ ...init, output: (picture) => {
					counts.pictures++;
					counts.openPictures++;
					let close = () => { counts.openPictures--; VideoFrame.prototype.close.call(picture); close = () => {}; };
					picture.close = () => close();
					init.output(picture);
				} });
				counts.decoders++;
				counts.openDecoders++;
			}
			close() { super.close(); counts.openDecoders--; }
		};
		addEventListener('message', ({ data }) => { if (data.type === 'counts') data.port.postMessage(counts); });`)
	const players = 50
	for range players {
		p.call("open", "WebCodecs", stream)
		p.call("write", stream.frames)
		p.until("playerPage.pictures.length > 0")
	}
	p.call("close")
	var counts struct{ Decoders, OpenDecoders, Pictures, OpenPictures int }
	if err := json.Unmarshal([]byte(p.call("ask", "counts")), &counts); err != nil {
		t.Fatal(err)
	}
	if counts.Decoders != players || counts.OpenDecoders != 0 || counts.Pictures < players || counts.OpenPictures != 0 {
		t.Errorf("%+v", counts)
	}
	if canvases := p.evaluate("document.querySelectorAll('canvas').length + ''"); canvases != "1" {
		t.Errorf("%s canvases", canvases)
	}
}

// An error in the worker ends its players. Displays that it has not drawn on can be used with another worker.
func TestWebCodecsOfBrokenWorker(t *testing.T) {
	t.Parallel()
	d, stream, _ := startVideoCamera(t, numberedClip{Frames: 100}, 5)
	p := playWith(t, d, stream, `
		addEventListener('message', ({ data }) => { if (data.player === 1 && data.type === 'frame') throw new Error('broken'); });`)
	p.call("write", stream.frames)
	p.until("playerPage.failed.length > 0")
	if r := p.result(); len(r.Failed) != 1 || r.Taken[len(r.Taken)-1] != 5 {
		t.Errorf("%+v", r)
	}
	p.call("open", "WebCodecs", stream)
	p.until("playerPage.failed.length > 0")
	p.evaluate("playerPage.display = null; ''")
	p.call("open", "WebCodecs", stream)
	p.call("writeInTurn", stream.frames)
	if r := p.result(); len(r.Failed) != 0 || len(r.Pictures) != 5 {
		t.Errorf("with another display: %+v", r)
	}
}
