package broker

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// model computes frame by frame what a subscription must return and count. It knows what was published, looks into the ring, and decides
// by what was delivered whether a frame can be decoded.
type model struct {
	topic     *Topic
	publisher *randomPublisher
	mode      Mode
	start     uint64
	cursor    uint64
	catchUpTo uint64
	begun     time.Time
	whole     map[uint64]bool // delivered, or nothing that this reader may get needs it
	stats     Stats
}

func newModel(p *randomPublisher, mode Mode) *model {
	m := &model{topic: p.topic, publisher: p, mode: mode, begun: time.Now(), whole: map[uint64]bool{}}
	head, first := p.topic.Published(), p.topic.Published()
	if mode == Decodable {
		first = m.newestKey()
		m.catchUpTo = head
	}
	m.start = head
	if f := m.held(first); f != nil && !f.Withdrawn && first > p.topic.expired.Load() {
		m.start = first - 1
	}
	m.cursor = m.start
	return m
}

func (m *model) newestKey() uint64 {
	d := decoder{frames: m.publisher.frames}
	return d.keyBefore(m.topic.Published() + 1)
}

// held returns the frame or its replacement in the ring; nil if the ring has dropped it.
func (m *model) held(seq uint64) *Frame {
	if f := m.topic.slots[seq&m.topic.mask].Load(); f != nil && f.Seq == seq {
		return f
	}
	return nil
}

// next returns the Seq of the next frame, 0 if there is none.
func (m *model) next() uint64 {
	for head := m.topic.Published(); m.cursor < head; {
		m.cursor++
		f := m.held(m.cursor)
		switch {
		case m.mode == Latest && m.cursor < head:
			m.stats.Dropped.Late++
		case f == nil:
			m.stats.Dropped.Lapped++
		case f.Withdrawn:
			m.stats.Dropped.Withdrawn++
		case m.mode == Decodable && !m.isDecodable(f):
			m.stats.Dropped.Resync++
			m.whole[f.Seq] = f.Leading
		case m.mode == Decodable && m.isLate(f):
			m.stats.Dropped.Late++
			m.whole[f.Seq] = f.Disposable
			if key := m.newestKey(); !f.Disposable && key > f.Seq {
				m.stats.Dropped.Resync += key - 1 - f.Seq
				m.cursor = key - 1
			}
		default:
			m.stats.Received++
			m.whole[f.Seq] = true
			return f.Seq
		}
	}
	return 0
}

func (m *model) isLate(f *Frame) bool {
	return time.Since(f.Published) > LateAfter && (f.Seq > m.catchUpTo || time.Since(m.begun) > CatchUp)
}

// isDecodable reports whether the reader lost nothing since the keyframe where decoding f begins.
func (m *model) isDecodable(f *Frame) bool {
	d := decoder{frames: m.publisher.frames}
	key := f.Seq
	if !f.Key {
		key = d.keyBefore(f.Seq)
		if f.Leading {
			key = d.keyBefore(key)
		}
	}
	if key == 0 {
		return false
	}
	for seq := key; seq < f.Seq; seq++ {
		if !m.whole[seq] {
			return false
		}
	}
	return true
}

// checkRing checks that the ring holds the newest frames without a gap, and its bounds after a Trim.
func checkRing(t *testing.T, p *randomPublisher, o Options) {
	t.Helper()
	p.topic.Trim()
	m := &model{topic: p.topic, publisher: p}
	head, bytes, tail := p.topic.Published(), 0, p.topic.Published()
	for ; tail > 0 && m.held(tail) != nil; tail-- {
		f := m.held(tail)
		bytes += len(f.Wire)
		if o.MaxAge > 0 && tail < head && time.Since(f.Published) > o.MaxAge {
			t.Fatalf("frame %d of %d is held, although it is %v old", tail, head, time.Since(f.Published))
		}
	}
	for seq := tail; seq > 0; seq-- {
		if m.held(seq) != nil {
			t.Fatalf("frame %d is held, and %d is not", seq, tail)
		}
	}
	first, d := head+1, decoder{frames: p.frames}
	for range o.Groups {
		first = d.keyBefore(first)
	}
	if o.Groups > 0 && tail+1 < first && head > tail+1 {
		t.Fatalf("frame %d is held, although the newest %d groups begin at %d", tail+1, o.Groups, first)
	}
	if head > 0 && tail == head || int64(bytes) > o.Bytes && head > tail+1 {
		t.Fatalf("frames %d to %d are held with %d bytes", tail+1, head, bytes)
	}
	if want := newModel(p, Decodable); p.topic.Joinable() != (want.start < head) {
		t.Fatalf("joinable: %v, but a reader starts at %d of %d", p.topic.Joinable(), want.start+1, head)
	}
}

// TestEverySubscriptionFollowsTheModel does random things with a topic and its readers, one after the other, and compares every frame and
// count with those of the model.
func TestEverySubscriptionFollowsTheModel(t *testing.T) {
	var total [3]Stats // by mode
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			o := Options{Depth: []int{4, 16, 64}[random.IntN(3)], Bytes: 64 * int64(1+random.IntN(80)), Groups: random.IntN(4)}
			o.MaxAge = time.Duration(random.IntN(3)) * time.Second
			p := newRandomPublisher(NewTopic("camera", o), seed, 2000)
			var subs []*Subscription
			var models []*model
			for range 400 {
				for range random.IntN(10) {
					p.act()
				}
				checkRing(t, p, o)
				time.Sleep(time.Duration(random.IntN(4)) * 100 * time.Millisecond)
				if random.IntN(20) == 0 {
					mode := Mode(random.IntN(3))
					models, subs = append(models, newModel(p, mode)), append(subs, p.topic.Subscribe(mode))
				}
				for i, s := range subs {
					for range random.IntN(12) {
						want, got := models[i].next(), uint64(0)
						if f := s.TryNext(); f != nil {
							got = f.Seq
						}
						if got != want || s.Stats() != models[i].stats || s.start != models[i].start {
							t.Fatalf("seed %d, mode %d: got frame %d, %+v since %d; want %d, %+v since %d",
								seed, s.mode, got, s.Stats(), s.start, want, models[i].stats, models[i].start)
						}
					}
				}
			}
			for _, m := range models {
				total[m.mode] = total[m.mode].plus(m.stats)
			}
		})
		if t.Failed() {
			return
		}
	}
	if d := total[Decodable].Dropped; min(total[Latest].Received, total[InOrder].Received, d.Late, d.Lapped, d.Resync, d.Withdrawn) < 100 {
		t.Errorf("too little has happened: %+v", total)
	}
}

func (s Stats) plus(o Stats) Stats {
	a, b := s.Dropped, o.Dropped
	return Stats{s.Received + o.Received, Drops{a.Late + b.Late, a.Lapped + b.Lapped, a.Resync + b.Resync, a.Withdrawn + b.Withdrawn}}
}
