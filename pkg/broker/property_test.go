package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// randomPublisher publishes groups of pictures of random length and kind, as encoders do, and does whatever else a publisher may do.
type randomPublisher struct {
	topic  *Topic
	random *rand.Rand
	all    []Frame // as published, by Seq - 1; an entry is written before the frame is published
	frames []Frame // the entries of all that are written
	toKey  int     // frames until the next keyframe
	lead   int     // leading frames that follow the newest keyframe
}

func newRandomPublisher(t *Topic, seed uint64, frames int) *randomPublisher {
	all := make([]Frame, frames)
	return &randomPublisher{topic: t, random: rand.New(rand.NewPCG(seed, 17)), all: all, frames: all[:0]}
}

func (p *randomPublisher) publish() {
	f := testFrame(p.topic.Published() + 1)
	f.Key = p.toKey == 0
	switch {
	case f.Key:
		p.toKey, p.lead = p.random.IntN(50), p.random.IntN(6)-2
	default:
		p.toKey--
		f.Leading = p.lead > 0
		f.Disposable = p.random.IntN(3) == 0
		p.lead--
	}
	p.frames = append(p.frames, f)
	p.topic.Publish(f)
}

// act does one random thing.
func (p *randomPublisher) act() {
	switch p.random.IntN(200) {
	case 0:
		p.topic.Withdraw()
	case 1:
		p.topic.Expire()
	case 2, 3:
		p.topic.Trim()
	default:
		p.publish()
	}
}

// decoder checks that a reader of video gets only frames that it can decode: it has everything that they may refer to.
type decoder struct {
	frames  []Frame // as published, by Seq - 1
	decoded map[uint64]bool
}

func (d *decoder) decode(f *Frame) error {
	key := f.Seq
	if !f.Key {
		key = d.keyBefore(f.Seq)
		if f.Leading {
			key = d.keyBefore(key)
		}
	}
	if key == 0 {
		return fmt.Errorf("frame %d has no keyframe", f.Seq)
	}
	for seq := key; seq < f.Seq; seq++ {
		other := d.frames[seq-1]
		// Only leading frames of the same keyframe refer to leading frames.
		needed := !other.Disposable && (!other.Leading || f.Leading && seq > d.keyBefore(f.Seq))
		if needed && !d.decoded[seq] {
			return fmt.Errorf("frame %d (leading: %v) needs frame %d, which was not delivered", f.Seq, f.Leading, seq)
		}
	}
	d.decoded[f.Seq] = true
	return nil
}

// keyBefore returns the Seq of the newest keyframe before seq, or 0.
func (d *decoder) keyBefore(seq uint64) uint64 {
	for seq > 1 {
		if seq--; d.frames[seq-1].Key {
			return seq
		}
	}
	return 0
}

// propertyReader reads a topic with random pauses, and checks all that is promised about each frame.
type propertyReader struct {
	publisher *randomPublisher
	mode      Mode
	pause     time.Duration // at most, after each frame
	random    *rand.Rand
}

func (r *propertyReader) run(ctx context.Context) error {
	time.Sleep(time.Duration(r.random.IntN(3000)) * time.Millisecond)
	topic := r.publisher.topic
	s, begun := topic.Subscribe(r.mode), time.Now()
	defer s.Close()
	video := &decoder{r.publisher.all, map[uint64]bool{}}
	received, last := uint64(0), s.start
	for {
		f, err := s.Next(ctx)
		got := s.Stats()
		if errors.Is(err, ErrEnded) && got.Received == received && got.Received+got.Dropped.Total() == topic.Published()-s.start {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w after %d, received %d, counted %+v", err, last, received, got)
		}
		received++
		age := time.Since(f.Published)
		switch d := got.Dropped; {
		case f.Seq <= last || !isIntact(f) || f.Withdrawn:
			return fmt.Errorf("got %+v after %d", f, last)
		case got.Received != received || got.Received+d.Total() != f.Seq-s.start:
			return fmt.Errorf("counted %+v at %d since %d, received %d", got, f.Seq, s.start, received)
		case r.mode == Latest && d.Lapped+d.Resync > 0, r.mode == InOrder && d.Late+d.Resync > 0:
			return fmt.Errorf("wrong reasons: %+v", got)
		case r.mode == Decodable && age > LateAfter && (f.Seq > s.run.catchUpTo || time.Since(begun) > CatchUp):
			return fmt.Errorf("frame %d is %v old", f.Seq, age)
		}
		if r.mode == Decodable {
			if err := video.decode(f); err != nil {
				return err
			}
		}
		last = f.Seq
		r.wait()
	}
}

// wait waits for a while that may be long. All times are multiples of 10 ms, so that readers and publishers wake at the same time.
func (r *propertyReader) wait() {
	switch n := r.random.IntN(50); {
	case n == 0:
		time.Sleep(time.Duration(r.random.IntN(400)) * 10 * time.Millisecond)
	case n < 30 && r.pause > 0:
		time.Sleep(time.Duration(r.random.Int64N(int64(r.pause))).Truncate(10 * time.Millisecond))
	}
}

// TestReceivedAndDroppedArePassed runs random publishers with a shared budget against readers of all modes. Time is fake, so that frames
// become late.
func TestReceivedAndDroppedArePassed(t *testing.T) {
	const frames = 2000
	options := []Options{
		{Depth: 8}, {Depth: 32, MaxAge: 2 * time.Second}, {Depth: 256, Groups: 2}, {Depth: 64, Groups: 1, Bytes: 40 * 64}, VideoOptions(),
	}
	for seed := range uint64(len(options) * 3) {
		synctest.Test(t, func(t *testing.T) {
			ctx, budget := withHangTimeout(t), NewBudget(64*200, nil)
			var done sync.WaitGroup
			for i := range uint64(2) {
				o := options[(seed+i)%uint64(len(options))]
				o.Budget = budget
				p := newRandomPublisher(NewTopic("camera", o), seed*2+i, frames)
				for n := range uint64(12) {
					r := &propertyReader{p, Mode(n % 3), time.Duration(n/3) * 50 * time.Millisecond, rand.New(rand.NewPCG(seed, n))}
					done.Go(func() {
						if err := r.run(ctx); err != nil {
							t.Errorf("seed %d, %+v, mode %d, pause %v: %v", seed, o, r.mode, r.pause, err)
						}
					})
				}
				done.Go(func() {
					for len(p.frames) < frames {
						p.act()
						time.Sleep(time.Duration(p.random.IntN(8)) * 10 * time.Millisecond)
					}
					p.topic.End()
				})
			}
			done.Wait()
		})
	}
}
