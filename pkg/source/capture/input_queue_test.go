package capture

import (
	"bytes"
	"maps"
	"testing"

	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

// queueOf returns a queue with frames of one byte: K for a keyframe, and what it refuses.
func queueOf(kinds string, arrived func(i int) int64) (*inputQueue, map[string]int64) {
	refused := map[string]int64{}
	q := newInputQueue(func(cause string, count int64) { refused[cause] += count })
	for i, kind := range kinds {
		q.push(inputFrame{data: []byte{byte(i)}, count: uint64(i), isKey: kind == 'K', arrived: arrived(i)})
	}
	return q, refused
}

// A frame that has waited too long is left out if there is a newer keyframe. Otherwise decoding it is the only way to a picture.
func TestLateFramesAreLeftOutUpToTheNewestKeyframe(t *testing.T) {
	old := func(int) int64 { return monotonic() - 2*int64(maxInputWait) }
	for kinds, want := range map[string]uint64{"KPPP": 0, "KPPKPP": 3, "PPPK": 3, "KPKPKPP": 4, "P": 0, "KKKK": 3} {
		q, refused := queueOf(kinds, old)
		if f, ok := q.tryTake(); !ok || f.count != want || refused[media.Lost] != int64(want) {
			t.Errorf("%s: took frame %d, lost %d, want %d", kinds, f.count, refused[media.Lost], want)
		}
	}
	q, refused := queueOf("KPPKPP", func(int) int64 { return monotonic() + int64(maxInputWait) })
	if f, _ := q.tryTake(); f.count != 0 || len(refused) > 0 {
		t.Errorf("took frame %d, refused %v, want the first one", f.count, refused)
	}
}

// A full queue leaves out frames up to a keyframe for which there is room.
func TestFullQueueLeavesOutFramesUpToAKeyframe(t *testing.T) {
	q, refused := queueOf("KPP", func(int) int64 { return monotonic() + int64(testFuture) })
	push := func(size int, isKey bool) {
		q.push(inputFrame{data: make([]byte, size), isKey: isKey, arrived: monotonic() + int64(testFuture)})
	}
	push(maxInputBytes, false)   // too much
	push(1, false)               // refers to it
	push(maxInputBytes, true)    // too much again
	push(1, true)                // is taken
	push(1, false)               // so is this
	push(maxInputBytes-4, false) // too much
	push(1, false)
	if want := map[string]int64{media.Lost: 5}; !maps.Equal(refused, want) || len(q.frames) != 5 || q.bytes != 5 {
		t.Errorf("refused %v, want %v; %d frames and %d bytes, want 5", refused, want, len(q.frames), q.bytes)
	}
	for range 5 {
		if _, ok := q.tryTake(); !ok {
			t.Fatal("no frame")
		}
	}
	if push(maxInputBytes, true); len(q.frames) != 1 {
		t.Error("a large frame does not fit into an empty queue")
	}
	for range 2 * maxInputFrames {
		push(0, false)
	}
	if len(q.frames) > maxInputFrames {
		t.Errorf("%d frames, more than %d", len(q.frames), maxInputFrames)
	}
}

// testFuture keeps frames from getting late in a test.
const testFuture = 1000 * maxInputWait

// camd can send as fast as it likes: commands are read although nobody takes the pictures, and what is shown has the right number.
func TestFloodDelaysNoCommand(t *testing.T) {
	frames := numberedVideo{codec: h26x.H264, width: 640, height: 384, fps: 25, frames: 100, args: []string{"-bf", "0", "-g", "10"}}.encode(t)
	d := startDecoder(t, wire.Start{})
	for round := range 20 {
		for i, f := range frames {
			f.header.Captured = int64(f.number) * 1e6
			f.header.Count = uint64(round*len(frames) + i + 1)
			d.feed(f)
		}
	}
	for range 20 {
		got, p := d.frame()
		if n := pictureNumber(t, p.JPEG); got.Captured != int64(n)*1e6 {
			t.Fatalf("picture %d with Captured %d", n, got.Captured)
		}
	}
	d.send(wire.Stop{})
	awaitMessage[wire.Ended](d.testDaemon)
}

// Fragments come from outside: whatever is in them, the result is a byte stream of the same length, or the fragment is refused.
func FuzzToAnnexB(f *testing.F) {
	for _, data := range []string{"", "\x00\x00\x00\x01A", "\x00\x00\x00\x02AB\x00\x00\x00\x01C", "\xff\xff\xff\xffA", "\x00\x00\x00\x00"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := append(make([]byte, fmp4.HeadSize), data...)
		if !toAnnexB(b) {
			return
		}
		if len(data) < 5 || !bytes.HasPrefix(b[fmp4.HeadSize:], []byte{0, 0, 0, 1}) {
			t.Errorf("% x became % x", data, b[fmp4.HeadSize:])
		}
	})
}
