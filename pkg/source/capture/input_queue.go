package capture

import (
	"context"
	"slices"
	"sync"
	"time"

	"camd/pkg/media"
	"camd/pkg/source/wire"
)

// Limits of an inputQueue. A group of pictures that camd has kept comes at once, and has at most 8 MiB.
const (
	maxInputBytes  = 16 << 20
	maxInputFrames = 4096
	maxInputWait   = time.Second // a frame that has waited longer is left out if that leads to a keyframe
)

// inputFrame is a frame that camd has sent to be decoded.
type inputFrame struct {
	format    *wire.VideoFormat // nil for a JPEG
	data      []byte            // the JPEG; or clusterRoom bytes to write to, and then an Annex B byte stream
	captured  int64             // of the wire's frame, as are the fields below
	count     uint64
	isKey     bool
	isLeading bool
	isHidden  bool
	isLast    bool
	arrived   int64 // CLOCK_MONOTONIC in nanoseconds
}

// inputQueue passes frames from the goroutine that reads camd's commands to the one that decodes. Neither waits for the other: the first must
// also read Demand and Stop. If decoding is too slow, frames up to a keyframe are left out and counted as lost. It is safe for
// concurrent use.
type inputQueue struct {
	wake   chan struct{}                   // has one token while there may be something to take
	refuse func(cause string, count int64) // is told what was left out

	mu       sync.Mutex
	frames   []inputFrame
	bytes    int
	needsKey bool // the frame before was left out, so the next one must be a keyframe
}

func newInputQueue(refuse func(cause string, count int64)) *inputQueue {
	return &inputQueue{wake: make(chan struct{}, 1), refuse: refuse}
}

// push adds a frame, or leaves it out.
func (q *inputQueue) push(f inputFrame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	isFull := len(q.frames) >= maxInputFrames || len(q.frames) > 0 && q.bytes+len(f.data) > maxInputBytes
	if isFull || q.needsKey && !f.isKey {
		q.needsKey = true
		q.refuse(media.Lost, 1)
		return
	}
	q.needsKey = false
	q.frames = append(q.frames, f)
	q.bytes += len(f.data)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// lose makes the queue leave out all frames up to the next keyframe, after one that could not be read.
func (q *inputQueue) lose(cause string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.needsKey = true
	q.refuse(cause, 1)
}

// take waits for the next frame. Its error is ctx's.
func (q *inputQueue) take(ctx context.Context) (inputFrame, error) {
	for {
		if f, ok := q.tryTake(); ok {
			return f, ctx.Err()
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return inputFrame{}, ctx.Err()
		}
	}
}

// takeKey is take, but leaves out everything in front of the next keyframe.
func (q *inputQueue) takeKey(ctx context.Context) (inputFrame, error) {
	for {
		f, err := q.take(ctx)
		if err != nil || f.isKey {
			return f, err
		}
		q.refuse(media.Lost, 1)
	}
}

func (q *inputQueue) tryTake() (inputFrame, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		return inputFrame{}, false
	}
	if monotonic()-q.frames[0].arrived > int64(maxInputWait) {
		q.skipToNewestKey()
	}
	f := q.frames[0]
	q.frames[0] = inputFrame{}
	q.frames = q.frames[1:]
	q.bytes -= len(f.data)
	return f, true
}

// skipToNewestKey leaves out the frames in front of the newest keyframe. Without one it leaves out none: to decode them all is then the
// only way to a picture.
func (q *inputQueue) skipToNewestKey() {
	newest := 0
	for i, f := range slices.Backward(q.frames) {
		if f.isKey {
			newest = i
			break
		}
	}
	for _, f := range q.frames[:newest] {
		q.bytes -= len(f.data)
	}
	if newest > 0 {
		q.refuse(media.Lost, int64(newest))
		q.frames = slices.Delete(q.frames, 0, newest)
	}
}
