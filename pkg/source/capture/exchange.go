package capture

import (
	"sync"

	"gocv.io/x/gocv"

	"camd/pkg/source/wire"
)

// picture is a Mat with what is known of its content: BGR pixels, or a JPEG as one row of bytes.
type picture struct {
	mat      gocv.Mat
	jpeg     []byte // of a source that does without OpenCV; the Mat is empty then
	captured int64
	count    uint64
	wanted   uint32 // the renditions to make of it, a bit for each
}

// exchange hands pictures from the camera to the sender, the newest winning. Three are enough: the camera fills one,
// the sender has one, and one is ready in between.
type exchange struct {
	wake chan struct{} // has one token while there is something to take

	mu    sync.Mutex
	taken *picture // the sender's, until it takes another
	ready *picture
	spare []*picture
	beat  wire.Beat
	fresh bool // beat has not been taken
	lost  wire.Refused
	all   [3]*picture
}

func newExchange() *exchange {
	e := &exchange{wake: make(chan struct{}, 1)}
	for i := range e.all {
		e.all[i] = &picture{mat: gocv.NewMat()}
	}
	e.spare = append(e.spare, e.all[:]...)
	return e
}

// blank returns a picture to fill. The camera holds one at a time.
func (e *exchange) blank() *picture {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pop()
}

// put makes p the picture to take and returns another to fill: the one that p replaced if nobody took it.
func (e *exchange) put(p *picture) *picture {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.ready
	e.ready = p
	e.ring()
	if old != nil {
		p.wanted |= old.wanted // this one is for them, too
		return old
	}
	return e.pop()
}

// note tells of a picture that is not worth sending.
func (e *exchange) note(b wire.Beat) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.beat, e.fresh = b, true
	e.ring()
}

// lose counts a picture that is left out, for a cause of package mjpeg's; size is that of one that is too large. It wakes nobody:
// a source may send nothing else.
func (e *exchange) lose(cause string, size int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost.Pictures == nil {
		e.lost.Pictures = map[string]uint64{}
	}
	e.lost.Pictures[cause]++
	if size > 0 {
		e.lost.Size = size
	}
}

// losses returns what was lost since it was asked last.
func (e *exchange) losses() wire.Refused {
	e.mu.Lock()
	defer e.mu.Unlock()
	lost := e.lost
	e.lost = wire.Refused{}
	return lost
}

// take returns the newest picture if there is a new one, which is the sender's until it takes another, and the newest note
// if there is a new one.
func (e *exchange) take() (p *picture, b wire.Beat, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, b, fresh = e.ready, e.beat, e.fresh
	e.ready, e.fresh = nil, false
	if p != nil {
		if e.taken != nil {
			e.spare = append(e.spare, e.taken)
		}
		e.taken = p
	}
	return p, b, fresh
}

// close frees the pictures. Neither side may use the exchange any more.
func (e *exchange) close() {
	for _, p := range e.all {
		p.mat.Close()
	}
}

func (e *exchange) pop() *picture {
	p := e.spare[len(e.spare)-1]
	e.spare = e.spare[:len(e.spare)-1]
	return p
}

func (e *exchange) ring() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
