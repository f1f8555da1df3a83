package capture

import (
	"sync"
	"time"

	"camd/pkg/camera"
	"camd/pkg/media"
)

// A decoder is given up after maxFramesInVain frames without a picture. At low rates it is given up after slowFramesInVain frames that took
// slowFramesInVainFor by their own clock. A decoder may hold back 16 frames (H.264, section A.3.1; H.265, section A.4.2).
//
// If there was no picture at all, the reason may be one damaged keyframe. So there must also be undecodableKeys different keyframes, and
// then the video is undecodable: FFmpeg returns most damaged pictures, and only refuses frames whose headers it does not understand.
// maxFirstFramesInVain bounds the wait for these keyframes.
const (
	maxReorder           = 16
	maxFramesInVain      = 50
	maxFirstFramesInVain = 1000
	slowFramesInVain     = 20
	slowFramesInVainFor  = 10 * time.Second
	undecodableKeys      = 2
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
	hasPicture  bool // there was a picture, good or damaged
	keys        int  // different keyframes in front of the first picture
	keyCount    uint64
	sinceKeys   int // frames since there are enough keyframes
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
		p.giveUp(f.format.Codec, isSlow)
	}
	if p.failed != nil {
		return 0, false
	}
	if p.inVain++; f.isKey && (p.keys == 0 || f.count != p.keyCount) {
		p.keys, p.keyCount = p.keys+1, f.count
	}
	if p.keys >= undecodableKeys {
		p.sinceKeys++
	}
	p.last++
	f.data = nil
	p.waiting = append(p.waiting, numberedFrame{f, p.last})
	return p.last, true
}

// giveUp decides whether the decoder is given up after many frames without a picture.
func (p *inputProgress) giveUp(codec string, isSlow bool) {
	switch {
	case !p.hasPicture && (p.sinceKeys > maxReorder || isSlow && p.keys >= undecodableKeys):
		p.failed = p.undecodable(codec)
	case p.hasPicture || p.inVain >= maxFirstFramesInVain:
		p.failed = newFailure(camera.BadStream, "no picture could be decoded from %d frames of %s", p.inVain, codec)
	}
}

func (p *inputProgress) undecodable(codec string) error {
	f := newFailure(camera.Undecodable, "FFmpeg decodes none of %d frames of %s with %d keyframes; set H.264 with the profile Main or High and 8 bits in the camera",
		p.inVain, codec, p.keys)
	f.unsupported = true
	return f
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
		p.inVain, p.hasPicture = 0, true
	}
	return f, ok
}

// endPipe forgets the frames whose pictures will not come, because the decoder is closed. A decoder that is closed after its last frame has no
// picture left, so fewer frames are enough to give up. It may also not have opened.
func (p *inputProgress) endPipe(hasReturnedAll bool, codec string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hasReturnedAll && !p.hasPicture && p.keys >= undecodableKeys && p.failed == nil {
		p.failed = p.undecodable(codec)
	}
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
