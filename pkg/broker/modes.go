package broker

import (
	"math"
	"time"
)

const (
	// LateAfter is how long after Publish a reader in mode Decodable may still get a frame.
	LateAfter = time.Second
	// CatchUp is how long a reader in mode Decodable may take to read what was there when it subscribed.
	CatchUp = 2 * time.Second
)

// nextLatest returns the newest frame; nil if it was withdrawn.
func (s *Subscription) nextLatest(head uint64) *Frame {
	f := s.newest(head)
	addDropped(&s.late, f.Seq-s.cursor-1)
	s.cursor = f.Seq
	if f.Withdrawn {
		s.withdrawn.Add(1)
		return nil
	}
	return f
}

// nextInOrder returns the oldest frame after the cursor that is held and not withdrawn; nil if there is none up to head.
func (s *Subscription) nextInOrder(head uint64) *Frame {
	for s.cursor < head {
		f := s.oldest(s.cursor, head)
		addDropped(&s.lapped, f.Seq-s.cursor-1)
		s.cursor = f.Seq
		if !f.Withdrawn {
			return f
		}
		s.withdrawn.Add(1)
	}
	return nil
}

// run is what a reader in mode Decodable knows about the frames that it got.
type run struct {
	since      uint64    // Seq of the keyframe since which no frame was lost that others need; noRun if there is none
	catchUpTo  uint64    // Seq up to which frames are not late ...
	catchUpEnd time.Time // ... before this time
}

// noRun is after the KeySeq of every frame: the reader gets nothing before a keyframe.
const noRun = math.MaxUint64

// nextDecodable returns the oldest frame after the cursor that is held, in time and decodable; nil if there is none up to head.
func (s *Subscription) nextDecodable(head uint64, now time.Time) *Frame {
	for s.cursor < head {
		f := s.oldest(s.cursor, head)
		if lost := f.Seq - s.cursor - 1; lost > 0 {
			s.lapped.Add(lost)
			s.run.since = noRun // the lost frames may be needed
		}
		s.cursor = f.Seq
		switch {
		case f.Withdrawn:
			s.withdrawn.Add(1)
			s.run.since = noRun
		// A reader decodes f if it has everything from f's keyframe on. A leading frame after the first keyframe of a run has the
		// keyframe before, which is not part of the run. Later frames do not need it, so the run continues.
		case !f.Key && f.KeySeq < s.run.since:
			s.resync.Add(1)
		case s.run.isLate(f, now):
			s.late.Add(1)
			if !f.Disposable {
				s.run.since = noRun
				s.skipToNewestKeyframe()
			}
		default:
			if s.run.since == noRun {
				s.run.since = f.Seq
			}
			return f
		}
	}
	return nil
}

func (r *run) isLate(f *Frame, now time.Time) bool {
	return now.Sub(f.Published) > LateAfter && (f.Seq > r.catchUpTo || now.After(r.catchUpEnd))
}

// skipToNewestKeyframe moves the cursor to the frame before the newest keyframe, if that keyframe comes later than the cursor.
func (s *Subscription) skipToNewestKeyframe() {
	if key := s.topic.newestKey.Load(); key > s.cursor+1 {
		s.resync.Add(key - 1 - s.cursor)
		s.cursor = key - 1
	}
}

// newest returns the frame that was the newest when head was read, or a newer one.
func (s *Subscription) newest(head uint64) *Frame {
	for {
		if f := s.topic.slots[head&s.topic.mask].Load(); f != nil {
			return f
		}
		// The frame was overtaken and dropped since head was read: the head has moved on.
		head = s.topic.head.Load()
	}
}

// oldest returns the oldest frame after cursor that the ring still holds.
func (s *Subscription) oldest(cursor, head uint64) *Frame {
	for {
		want := cursor + 1
		if depth := uint64(len(s.topic.slots)); head-cursor > depth {
			want = head - depth + 1
		}
		if f := s.topic.slots[want&s.topic.mask].Load(); f != nil && f.Seq == want {
			return f
		}
		// Publish overwrote the slot after head was read, or emptied it to stay within its bounds. A frame found there comes after a
		// whole ring of frames that are still held, so do not take it. The frame want is lost: look for the next one.
		cursor, head = want, s.topic.head.Load()
	}
}
