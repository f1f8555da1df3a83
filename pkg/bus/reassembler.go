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

// maxPendingPieceBytes bounds the bytes of incomplete pictures that a relay holds.
const maxPendingPieceBytes = 2 * MaxFrame

// pendingPieces holds the received pieces of all streams' incomplete pictures. Beyond maxPendingPieceBytes it drops the oldest
// picture, so that pictures that are never completed make room for others. It takes memory only for bytes that have arrived, and
// not for those that a first piece announces. Its methods are safe for concurrent use, except remove.
type pendingPieces struct {
	refuse   func(cause string)
	mu       sync.Mutex
	bytes    int
	pictures list.List // of *reassembler, the oldest picture in front
}

// add adds a piece to a picture. It reports whether all pieces of the picture are still held.
func (p *pendingPieces) add(r *reassembler, piece []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.pieces == 0:
		r.position = p.pictures.PushBack(r)
	case r.position == nil:
		return false
	}
	r.parts = append(r.parts, bytes.Clone(piece)) // cloned, because the message's memory includes headers, which are not counted
	p.bytes += len(piece)
	for p.bytes > maxPendingPieceBytes {
		p.remove(p.pictures.Front().Value.(*reassembler))
		p.refuse(TooManyPieces)
	}
	return r.position != nil
}

// take removes a picture and returns its pieces. It returns none if the picture was dropped.
func (p *pendingPieces) take(r *reassembler) (pieces [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pieces = r.parts
	p.remove(r)
	return pieces
}

// remove removes a picture with its pieces. p.mu is held.
func (p *pendingPieces) remove(r *reassembler) {
	if r.position == nil {
		return
	}
	for _, piece := range r.parts {
		p.bytes -= len(piece)
	}
	p.pictures.Remove(r.position)
	r.position, r.parts = nil, nil
}

// reassembler joins the pieces of one stream's pictures, in the memory that viewers will share.
type reassembler struct {
	seq    uint64
	pieces int // how many came; below 0 if the picture cannot become complete
	first  header

	position *list.Element // in pendingPieces, whose mu guards this and parts; nil if no pieces are held
	parts    [][]byte
}

// reset drops the incomplete picture, if any.
func (r *reassembler) reset(p *pendingPieces) {
	if r.pieces > 0 {
		p.take(r)
	}
	*r = reassembler{}
}

// add adds a piece to the picture. When the last piece has come, complete is true and part and jpeg hold the picture. A piece that
// is out of order drops the picture, because pieces arrive in order or not at all.
func (r *reassembler) add(h header, piece []byte, captured time.Time, p *pendingPieces) (part, jpeg []byte, complete bool) {
	if h.piece == 1 {
		r.reset(p)
		r.seq, r.first = h.seq, h
	}
	if h.pieces == 1 {
		part, jpeg = media.AllocatePart(h.bytes, captured)
		copy(jpeg, piece)
		*r = reassembler{}
		return part, jpeg, true
	}
	if r.seq != h.seq || r.pieces != h.piece-1 || r.first.pieces != h.pieces || r.first.bytes != h.bytes || !p.add(r, piece) {
		p.take(r)
		r.pieces = -1
		return nil, nil, false
	}
	if r.pieces++; r.pieces < h.pieces {
		return nil, nil, false
	}
	pieces := p.take(r)
	*r = reassembler{}
	if len(pieces) < h.pieces {
		return nil, nil, false // another stream's piece has dropped it meanwhile
	}
	part, jpeg = media.AllocatePart(h.bytes, captured)
	rest := jpeg
	for _, piece := range pieces {
		rest = rest[copy(rest, piece):]
	}
	return part, jpeg, true
}

// refusal returns the cause for which a picture was refused.
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

// pass counts a frame, and the lost frames before it. cause is empty if the frame was published.
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

// stream returns a copy of the counts.
func (r *receiveStats) stream() Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.n
	n.Dropped = maps.Clone(r.n.Dropped)
	return n
}
