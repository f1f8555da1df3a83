package bus

import (
	"errors"
	"maps"
	"sync"
	"time"

	"camd/pkg/mjpeg"
)

// joint puts the pieces of a picture together, in the memory that viewers will share.
type joint struct {
	seq    uint64
	pieces int // that came
	of     header
	part   []byte
	whole  []byte
	filled int
}

// add puts a piece to those before it. whole is true with the last of them. A piece that is not the next ends what was
// begun: pieces come in order or are lost.
func (j *joint) add(h header, piece []byte, captured time.Time) (part, jpeg []byte, whole bool) {
	if h.piece == 1 {
		*j = joint{seq: h.seq, of: h}
		j.part, j.whole = mjpeg.Layout(h.bytes, captured)
	}
	if j.seq != h.seq || j.pieces != h.piece-1 || j.of.pieces != h.pieces || j.of.bytes != h.bytes {
		j.part, j.whole = nil, nil
		j.pieces = -1
		return nil, nil, false
	}
	j.filled += copy(j.whole[j.filled:], piece)
	if j.pieces++; j.pieces < h.pieces {
		return nil, nil, false
	}
	part, jpeg = j.part, j.whole
	*j = joint{}
	return part, jpeg, true
}

// refusal is the cause for which a picture is none.
func refusal(err error) string {
	if r, ok := errors.AsType[*mjpeg.RefusedError](err); ok {
		return r.Cause
	}
	return mjpeg.Damaged
}

// received counts what became of a rendition's frames. It outlives its inlets.
type received struct {
	mu sync.Mutex
	n  Stream
}

func newReceived() *received { return &received{n: Stream{Dropped: map[string]uint64{}}} }

// pass notes what became of a frame, and how many before it never came.
func (r *received) pass(lost uint64, size int, cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n.Passed += lost + 1
	if lost > 0 {
		r.n.Dropped[Lost] += lost
	}
	if cause != "" {
		r.n.Dropped[cause]++
		return
	}
	r.n.Frames++
	r.n.Bytes += uint64(size)
}

func (r *received) repeat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n.Repeated++
}

// stream returns the counts as they are now.
func (r *received) stream() Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.n
	n.Dropped = maps.Clone(r.n.Dropped)
	return n
}
