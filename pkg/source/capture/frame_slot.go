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

// frameSlot hands frames from the reader to the sender; the newest wins. Three are enough: the reader fills one,
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
func (e *frameSlot) acquire() *frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.popFree()
}

// publish makes p the ready frame, and returns another frame to fill. If the sender has not taken the frame before, p replaces it.
func (e *frameSlot) publish(p *frame) *frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	replaced := e.ready
	e.ready = p
	e.notify()
	if replaced != nil {
		p.wanted |= replaced.wanted // p is made in these renditions, too
		return replaced
	}
	return e.popFree()
}

// setHeartbeat stores the heartbeat of a picture that is not sent.
func (e *frameSlot) setHeartbeat(b wire.Heartbeat) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heartbeat, e.hasHeartbeat = b, true
	e.notify()
}

// countRefused counts a picture that is left out. cause is one of media.Causes. size is the size of a picture that is too large,
// else 0. It does not wake the sender, because a source may send nothing but such pictures.
func (e *frameSlot) countRefused(cause string, size int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refused.Pictures == nil {
		e.refused.Pictures = map[string]uint64{}
	}
	e.refused.Pictures[cause]++
	if size > 0 {
		e.refused.Size = size
	}
}

// takeRefused returns the counts of pictures that were refused since the last call.
func (e *frameSlot) takeRefused() wire.Refused {
	e.mu.Lock()
	defer e.mu.Unlock()
	refused := e.refused
	e.refused = wire.Refused{}
	return refused
}

// take returns the newest frame and heartbeat if they are new. p is nil without a new frame. The sender may use p until take
// returns another frame.
func (e *frameSlot) take() (p *frame, b wire.Heartbeat, hasHeartbeat bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, b, hasHeartbeat = e.ready, e.heartbeat, e.hasHeartbeat
	e.ready, e.hasHeartbeat = nil, false
	if p != nil {
		if e.inUse != nil {
			e.free = append(e.free, e.inUse)
		}
		e.inUse = p
	}
	return p, b, hasHeartbeat
}

// close frees all frames. Neither the reader nor the sender may use the slot any more.
func (e *frameSlot) close() {
	for _, p := range e.buffers {
		p.mat.Close()
	}
}

func (e *frameSlot) popFree() *frame {
	p := e.free[len(e.free)-1]
	e.free = e.free[:len(e.free)-1]
	return p
}

func (e *frameSlot) notify() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
