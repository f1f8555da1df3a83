package capture

import (
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
)

// A decoder is given up after maxFramesInVain frames without a picture. At low rates it is given up after slowFramesInVain frames that took
// slowFramesInVainFor by their own clock. A decoder may hold back 16 frames (H.264, section A.3.1; H.265, section A.4.2).
const (
	maxReorder          = 16
	maxFramesInVain     = 50
	slowFramesInVain    = 20
	slowFramesInVainFor = 10 * time.Second
)

// inputProgress knows the frames that were given to decoders and whose pictures have not come. Frames have numbers from 1 on, which go on
// from one pipe to the next. It is safe for concurrent use.
type inputProgress struct {
	refuse func(cause string, count int64) // is told which frames gave no picture

	mu      sync.Mutex
	last    uint64          // number of the newest frame
	waiting []numberedFrame // by number

	inVain      int // frames since the newest picture
	inVainSince int64
	failed      error
}

type numberedFrame struct {
	inputFrame // without data
	number     uint64
}

// begin records a frame that is given to the decoder, and returns its number. It returns false if there were too many without a picture.
func (p *inputProgress) begin(f inputFrame) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inVain == 0 {
		p.inVainSince = f.captured
	}
	isSlow := p.inVain >= slowFramesInVain && f.captured-p.inVainSince > int64(slowFramesInVainFor)
	if p.inVain >= maxFramesInVain || isSlow {
		p.failed = newFailure(camera.BadStream, "no picture could be decoded from %d frames of %s", p.inVain, f.format.Codec)
		return 0, false
	}
	p.inVain++
	p.last++
	f.data = nil
	p.waiting = append(p.waiting, numberedFrame{f, p.last})
	return p.last, true
}

// finish returns the frame with a number, whose picture has come. Frames that cannot give a picture any more are counted as refused.
func (p *inputProgress) finish(number uint64) (f inputFrame, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.waiting[:0]
	for _, w := range p.waiting {
		switch {
		case w.number == number:
			f, ok = w.inputFrame, true
		case w.number+maxReorder < number:
			p.refuseFrame(w)
		default:
			kept = append(kept, w)
		}
	}
	p.waiting = kept
	if ok {
		p.inVain = 0
	}
	return f, ok
}

// endPipe forgets the frames whose pictures will not come, because the decoder is closed.
func (p *inputProgress) endPipe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting {
		p.refuseFrame(w)
	}
	p.waiting = p.waiting[:0]
}

func (p *inputProgress) refuseFrame(w numberedFrame) {
	cause := media.Damaged
	if w.isLeading {
		cause = media.Lost // decoding began at the keyframe behind the frames that it refers to
	}
	p.refuse(cause, 1)
}

// failure returns why the decoder is given up, nil if it is not.
func (p *inputProgress) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}
