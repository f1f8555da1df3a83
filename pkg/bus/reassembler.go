package bus

import (
	"bytes"
	"container/list"
	"errors"
	"maps"
	"sync"
	"time"

	"camd/pkg/media"
)

// maxPendingPieceBytes is how many bytes of pictures that have not come whole a relay holds.
const maxPendingPieceBytes = 2 * MaxFrame

// pendingPieces holds the pieces of all streams' pictures that wait for the rest. It holds what has come, and not what a first piece
// announces. Beyond maxPendingPieceBytes it drops the picture that was begun first: one that is never completed makes room for others.
type pendingPieces struct {
	refuse   func(cause string)
	mu       sync.Mutex
	bytes    int
	pictures list.List // of *reassembler, the one that was begun first in front
}

// add adds a piece to those of a picture, and reports whether they are all still there.
func (p *pendingPieces) add(j *reassembler, piece []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case j.pieces == 0:
		j.position = p.pictures.PushBack(j)
	case j.position == nil:
		return false
	}
	j.parts = append(j.parts, bytes.Clone(piece)) // the message that it is part of may have headers, which are not counted
	p.bytes += len(piece)
	for p.bytes > maxPendingPieceBytes {
		p.remove(p.pictures.Front().Value.(*reassembler))
		p.refuse(TooManyPieces)
	}
	return j.position != nil
}

// take returns the pieces of a picture, which are not held here any more; none if it was dropped.
func (p *pendingPieces) take(j *reassembler) (pieces [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pieces = j.parts
	p.remove(j)
	return pieces
}

// remove lets a picture's pieces go. u.mu must be held.
func (p *pendingPieces) remove(j *reassembler) {
	if j.position == nil {
		return
	}
	for _, piece := range j.parts {
		p.bytes -= len(piece)
	}
	p.pictures.Remove(j.position)
	j.position, j.parts = nil, nil
}

// reassembler puts the pieces of a stream's picture together, in the memory that viewers will share.
type reassembler struct {
	seq    uint64
	pieces int // that came; below 0 if the picture will not be whole
	first  header

	position *list.Element // in pendingPieces, whose lock guards these; nil if no pieces are held
	parts    [][]byte
}

// reset forgets the picture that was begun.
func (r *reassembler) reset(u *pendingPieces) {
	if r.pieces > 0 {
		u.take(r)
	}
	*r = reassembler{}
}

// add puts a piece to those before it. whole is true with the last of them. A piece that is not the next ends what was
// begun: pieces come in order or are lost.
func (r *reassembler) add(h header, piece []byte, captured time.Time, u *pendingPieces) (part, jpeg []byte, complete bool) {
	if h.piece == 1 {
		r.reset(u)
		r.seq, r.first = h.seq, h
	}
	if h.pieces == 1 {
		part, jpeg = media.AllocatePart(h.bytes, captured)
		copy(jpeg, piece)
		*r = reassembler{}
		return part, jpeg, true
	}
	if r.seq != h.seq || r.pieces != h.piece-1 || r.first.pieces != h.pieces || r.first.bytes != h.bytes || !u.add(r, piece) {
		u.take(r)
		r.pieces = -1
		return nil, nil, false
	}
	if r.pieces++; r.pieces < h.pieces {
		return nil, nil, false
	}
	pieces := u.take(r)
	*r = reassembler{}
	if len(pieces) < h.pieces {
		return nil, nil, false // it was dropped a moment ago
	}
	part, jpeg = media.AllocatePart(h.bytes, captured)
	rest := jpeg
	for _, piece := range pieces {
		rest = rest[copy(rest, piece):]
	}
	return part, jpeg, true
}

// refusal is the cause for which a picture is none.
func refusal(err error) string {
	if r, ok := errors.AsType[*media.RefusedError](err); ok {
		return r.Cause
	}
	return media.Damaged
}

// receiveStats counts what became of a rendition's frames. It outlives its receivers.
type receiveStats struct {
	mu sync.Mutex
	n  Stream
}

func newReceiveStats() *receiveStats { return &receiveStats{n: Stream{Dropped: map[string]uint64{}}} }

// pass notes what became of a frame, and how many before it never came.
func (r *receiveStats) pass(lost uint64, size int, cause string) {
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

func (r *receiveStats) repeat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n.Repeated++
}

// stream returns the counts as they are now.
func (r *receiveStats) stream() Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.n
	n.Dropped = maps.Clone(r.n.Dropped)
	return n
}
