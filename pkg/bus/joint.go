package bus

import (
	"bytes"
	"container/list"
	"errors"
	"maps"
	"sync"
	"time"

	"camd/pkg/mjpeg"
)

// mostUnjoined is how many bytes of pictures that have not come whole a relay holds.
const mostUnjoined = 2 * MaxFrame

// unjoined holds the pieces of all streams' pictures that wait for the rest. It holds what has come, and not what a first piece
// announces. Beyond mostUnjoined it drops the picture that was begun first: one that is never completed makes room for others.
type unjoined struct {
	refuse  func(cause string)
	mu      sync.Mutex
	bytes   int
	waiting list.List // of *joint, the one that was begun first in front
}

// put adds a piece to those of a picture, and reports whether they are all still there.
func (u *unjoined) put(j *joint, piece []byte) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case j.pieces == 0:
		j.place = u.waiting.PushBack(j)
	case j.place == nil:
		return false
	}
	j.held = append(j.held, bytes.Clone(piece)) // the message that it is part of may have headers, which are not counted
	u.bytes += len(piece)
	for u.bytes > mostUnjoined {
		u.remove(u.waiting.Front().Value.(*joint))
		u.refuse(TooMuchUnjoined)
	}
	return j.place != nil
}

// take returns the pieces of a picture, which are not held here any more; none if it was dropped.
func (u *unjoined) take(j *joint) (pieces [][]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	pieces = j.held
	u.remove(j)
	return pieces
}

// remove lets a picture's pieces go. u.mu must be held.
func (u *unjoined) remove(j *joint) {
	if j.place == nil {
		return
	}
	for _, piece := range j.held {
		u.bytes -= len(piece)
	}
	u.waiting.Remove(j.place)
	j.place, j.held = nil, nil
}

// joint puts the pieces of a stream's picture together, in the memory that viewers will share.
type joint struct {
	seq    uint64
	pieces int // that came; below 0 if the picture will not be whole
	of     header

	place *list.Element // in unjoined, which has the lock of these; nil if no pieces are held
	held  [][]byte
}

// reset forgets the picture that was begun.
func (j *joint) reset(u *unjoined) {
	if j.pieces > 0 {
		u.take(j)
	}
	*j = joint{}
}

// add puts a piece to those before it. whole is true with the last of them. A piece that is not the next ends what was
// begun: pieces come in order or are lost.
func (j *joint) add(h header, piece []byte, captured time.Time, u *unjoined) (part, jpeg []byte, whole bool) {
	if h.piece == 1 {
		j.reset(u)
		j.seq, j.of = h.seq, h
	}
	if h.pieces == 1 {
		part, jpeg = mjpeg.Layout(h.bytes, captured)
		copy(jpeg, piece)
		*j = joint{}
		return part, jpeg, true
	}
	if j.seq != h.seq || j.pieces != h.piece-1 || j.of.pieces != h.pieces || j.of.bytes != h.bytes || !u.put(j, piece) {
		u.take(j)
		j.pieces = -1
		return nil, nil, false
	}
	if j.pieces++; j.pieces < h.pieces {
		return nil, nil, false
	}
	pieces := u.take(j)
	*j = joint{}
	if len(pieces) < h.pieces {
		return nil, nil, false // it was dropped a moment ago
	}
	part, jpeg = mjpeg.Layout(h.bytes, captured)
	rest := jpeg
	for _, piece := range pieces {
		rest = rest[copy(rest, piece):]
	}
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
