package capture

import (
	"sync"

	"gocv.io/x/gocv"

	"camd/pkg/source/wire"
)

// frame is one picture of the source. The Mat has BGR pixels, or a JPEG as one row of bytes.
type frame struct {
	mat      gocv.Mat
	jpeg     []byte // the picture of a jpegSource; the Mat is then empty
	captured int64  // CLOCK_MONOTONIC in nanoseconds
	count    uint64 // pictures read from the source so far, this one included
	wanted   uint32 // the renditions to make of it, one bit for each
}

// frameSlot passes frames from the reader to the sender, and keeps only the newest. Three frames are enough: the reader fills one,
// the sender has one, and one is ready in between.
type frameSlot struct {
	wake chan struct{} // has one token while there is something to take

	mu           sync.Mutex
	inUse        *frame // the sender's, until it takes another
	ready        *frame
	free         []*frame
	heartbeat    wire.Heartbeat
	hasHeartbeat bool // heartbeat has not been taken
	refused      wire.Refused
	buffers      [3]*frame
}

func newFrameSlot() *frameSlot {
	e := &frameSlot{wake: make(chan struct{}, 1)}
	for i := range e.buffers {
		e.buffers[i] = &frame{mat: gocv.NewMat()}
	}
	e.free = append(e.free, e.buffers[:]...)
	return e
}

// acquire returns a frame for the reader to fill. The reader has one frame at a time.
func (f *frameSlot) acquire() *frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.popFree()
}

// publish makes p the ready frame, and returns another frame to fill. If the sender has not taken the frame before, p replaces it.
func (f *frameSlot) publish(p *frame) *frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	replaced := f.ready
	f.ready = p
	f.notify()
	if replaced != nil {
		p.wanted |= replaced.wanted // p is made in these renditions, too
		return replaced
	}
	return f.popFree()
}

// setHeartbeat stores the heartbeat of a picture that is not sent.
func (f *frameSlot) setHeartbeat(b wire.Heartbeat) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heartbeat, f.hasHeartbeat = b, true
	f.notify()
}

// countRefused counts a picture that is left out. cause is one of media.Causes. size is the size of a picture that is too large,
// else 0. It does not wake the sender, because a source may send nothing but such pictures.
func (f *frameSlot) countRefused(cause string, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addRefused(cause, 1)
	if size > 0 {
		f.refused.Size = size
	}
}

// countRefusedFrames counts several pictures that are left out.
func (f *frameSlot) countRefusedFrames(cause string, count int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addRefused(cause, uint64(count))
}

func (f *frameSlot) addRefused(cause string, count uint64) {
	if f.refused.Pictures == nil {
		f.refused.Pictures = map[string]uint64{}
	}
	f.refused.Pictures[cause] += count
}

// takeRefused returns the counts of pictures that were refused since the last call.
func (f *frameSlot) takeRefused() wire.Refused {
	f.mu.Lock()
	defer f.mu.Unlock()
	refused := f.refused
	f.refused = wire.Refused{}
	return refused
}

// take returns the newest frame and heartbeat if they are new. p is nil without a new frame. The sender may use p until take
// returns another frame.
func (f *frameSlot) take() (p *frame, b wire.Heartbeat, hasHeartbeat bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, b, hasHeartbeat = f.ready, f.heartbeat, f.hasHeartbeat
	f.ready, f.hasHeartbeat = nil, false
	if p != nil {
		if f.inUse != nil {
			f.free = append(f.free, f.inUse)
		}
		f.inUse = p
	}
	return p, b, hasHeartbeat
}

// close frees all frames. Neither the reader nor the sender may use the slot any more.
func (f *frameSlot) close() {
	for _, p := range f.buffers {
		p.mat.Close()
	}
}

func (f *frameSlot) popFree() *frame {
	p := f.free[len(f.free)-1]
	f.free = f.free[:len(f.free)-1]
	return p
}

func (f *frameSlot) notify() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}
