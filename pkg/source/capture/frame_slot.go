package capture

import (
	"sync"

	"gocv.io/x/gocv"

	"camd/pkg/source/wire"
)

// frame is a Mat with what is known of its content: BGR pixels, or a JPEG as one row of bytes.
type frame struct {
	mat      gocv.Mat
	jpeg     []byte // of a source that does without OpenCV; the Mat is empty then
	captured int64
	count    uint64
	wanted   uint32 // the renditions to make of it, a bit for each
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

// acquire returns a picture to fill. The reader holds one at a time.
func (e *frameSlot) acquire() *frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.popFree()
}

// publish makes p the picture to take and returns another to fill: the one that p replaced if nobody took it.
func (e *frameSlot) publish(p *frame) *frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	replaced := e.ready
	e.ready = p
	e.notify()
	if replaced != nil {
		p.wanted |= replaced.wanted // this one is for them, too
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

// countRefused counts a picture that is left out, for a cause of package media's; size is that of one that is too large. It wakes nobody:
// a source may send nothing else.
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

// takeRefused returns what was refused since the last call.
func (e *frameSlot) takeRefused() wire.Refused {
	e.mu.Lock()
	defer e.mu.Unlock()
	refused := e.refused
	e.refused = wire.Refused{}
	return refused
}

// take returns the newest picture if there is a new one, which is the sender's until it takes another, and the newest heartbeat
// if there is a new one.
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

// close frees the pictures. Neither side may use the slot any more.
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
