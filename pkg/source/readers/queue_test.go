package readers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/avc"
	"go.uber.org/goleak"

	"camd/internal/testpeer"
	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// units calls use with the access units of a real encoder, again and again, until it returns false.
func units(t *testing.T, use func(*h26x.AccessUnit) bool) {
	t.Helper()
	path := testpeer.Clip{Codec: "h264", Size: "320x240", FPS: 25, Encoder: "keyint=10:bframes=3"}.Make(t)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte("avcC"))
	config, err := avc.DecodeAVCDecConfRec(file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))])
	if err != nil {
		t.Fatal(err)
	}
	track := h26x.NewTrack(h26x.H264, h26x.Options{})
	if err := track.SetParameterSets(append(config.SPSnalus, config.PPSnalus...)...); err != nil {
		t.Fatal(err)
	}
	packets := testpeer.Packets(t, path)
	for round := time.Duration(0); ; round++ {
		for _, p := range packets {
			var nalus [][]byte
			for b := p.Data; len(b) > 0; {
				n := 4 + binary.BigEndian.Uint32(b)
				nalus, b = append(nalus, b[4:n:n]), b[n:]
			}
			u, err := track.Parse(nalus, round*2*time.Second+p.PTS)
			if err != nil {
				t.Fatal(err)
			}
			if u != nil && !use(u) {
				return
			}
		}
	}
}

// pipeReader reads what a queue sends.
type pipeReader struct {
	*wire.Reader
	received, lost, last uint64
	disposable           map[uint64]bool // by count: nothing refers to the frame
}

// read reads a message. A gap must end with a keyframe, unless nothing refers to the frames that are left out.
func (r *pipeReader) read(t *testing.T) wire.Message {
	t.Helper()
	m, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	switch m := m.(type) {
	case wire.VideoFrame:
		r.received++
		for missing := r.last + 1; missing < m.Count; missing++ {
			if !r.disposable[missing] && !m.Key {
				t.Fatalf("frame %d follows %d and is no keyframe", m.Count, r.last)
			}
		}
		r.last = m.Count
		if err := r.SkipPicture(); err != nil {
			t.Fatal(err)
		}
	case wire.Refused:
		r.lost += m.Pictures[media.Lost]
	}
	return m
}

// A pipe that nobody reads costs frames up to the next keyframe. Every frame is sent or counted.
func TestQueueDropsUpToNextKeyframe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	q := newQueue(media.DefaultLimits)
	sent := make(chan error, 1)
	go func() {
		out := wire.NewWriter(w)
		sent <- errors.Join(out.Write(wire.Hello{Version: wire.Version}), q.send(out), w.Close())
	}()
	in := pipeReader{Reader: wire.NewReader(r), disposable: map[uint64]bool{}}
	added := uint64(0)
	units(t, func(u *h26x.AccessUnit) bool {
		added++
		in.disposable[added] = u.Disposable
		q.addVideo(u, 0, added)
		q.mu.Lock()
		frames, size := q.frames, q.bytes
		q.mu.Unlock()
		if frames > maxQueuedFrames || size > maxQueuedBytes {
			t.Fatalf("%d frames of %d bytes wait", frames, size)
		}
		if added == 2003 { // between two keyframes
			for in.received < maxQueuedFrames {
				in.read(t)
			}
		}
		return added < 2100
	})
	q.end(wire.Ended{Reason: "timeout"})
	for isEnd := false; !isEnd; {
		_, isEnd = in.read(t).(wire.Ended)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if _, err := in.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if q.frames != 0 || q.bytes != 0 || len(q.messages) != 0 {
		t.Errorf("%d frames of %d bytes are left", q.frames, q.bytes)
	}
	if in.received+in.lost != added || in.lost == 0 || in.last <= 2000 {
		t.Errorf("%d received, %d lost, %d added, the last %d", in.received, in.lost, added, in.last)
	}
}

// A flood of drops is a few messages a second.
func TestQueueJoinsDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		q := newQueue(media.DefaultLimits)
		go func() {
			_ = q.send(wire.NewWriter(w))
			w.Close()
		}()
		messages := make(chan int)
		go func() {
			in, n := wire.NewReader(io.MultiReader(bytes.NewReader(hello(t)), r)), 0
			lost := uint64(0)
			for {
				m, err := in.Next()
				if err != nil {
					break
				}
				if refused, ok := m.(wire.Refused); ok {
					n++
					lost += refused.Pictures[media.Lost]
				}
			}
			if lost != 20_000 {
				t.Errorf("%d lost", lost)
			}
			messages <- n
		}()
		for range 2000 {
			for range 10 {
				q.addDrop(media.Lost)
			}
			time.Sleep(time.Millisecond)
		}
		q.end(wire.Ended{})
		if n := <-messages; n < 2 || n > 10 {
			t.Errorf("%d messages in 2 s", n)
		}
	})
}

func hello(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wire.NewWriter(&b).Write(wire.Hello{Version: wire.Version}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestQueueRefusesLargeFrames(t *testing.T) {
	q := newQueue(media.Limits{Bytes: 3000, Pixels: 1})
	q.addJPEG(make([]byte, 3001), 0, 1)
	q.addJPEG(make([]byte, 3000), 0, 2)
	if q.refused[media.TooLarge] != 1 || q.frames != 1 || q.bytes != 3000 {
		t.Errorf("%v, %d frames of %d bytes", q.refused, q.frames, q.bytes)
	}
	q = newQueue(media.Limits{Bytes: 3000, Pixels: 1})
	n, keys := uint64(0), 0
	units(t, func(u *h26x.AccessUnit) bool {
		n++
		if u.Key {
			keys++
		}
		q.addVideo(u, 0, n)
		return n < 50
	})
	if q.frames != 0 || q.refused[media.TooLarge] != uint64(keys) || q.refused[media.TooLarge]+q.refused[media.Lost] != n {
		t.Errorf("%d frames in the queue, %v, %d keyframes of %d", q.frames, q.refused, keys, n)
	}
	q.discard()
	q.addJPEG([]byte("x"), 0, 1)
	if q.frames != 0 {
		t.Error("a frame after discard")
	}
}
