package broker

// keyframes remembers the Seqs of the newest keyframes. It belongs to the publisher.
type keyframes struct {
	recent []uint64 // oldest first, 0 for none; at least two
	groups int      // Options.Groups
}

func newKeyframes(groups int) keyframes {
	return keyframes{make([]uint64, max(groups, 2)), groups}
}

// add records that the frame is about to be published. It returns the frame's KeySeq.
func (k *keyframes) add(f *Frame) uint64 {
	last := len(k.recent) - 1
	switch {
	case f.Key:
		copy(k.recent, k.recent[1:])
		k.recent[last] = f.Seq
	case f.Leading:
		return k.recent[last-1]
	}
	return k.recent[last]
}

// first returns the Seq of the first frame that belongs to the newest groups of pictures, 0 if all do.
func (k *keyframes) first() uint64 {
	if k.groups == 0 {
		return 0
	}
	return k.recent[len(k.recent)-k.groups]
}

// Joinable reports whether a new subscription in mode Decodable gets a frame at once: the ring holds the newest keyframe and all that
// follows it, and that keyframe has neither expired nor been withdrawn. If it is false although frames are published, the group of
// pictures is larger than the ring, and new readers wait for the next keyframe.
func (t *Topic) Joinable() bool { return t.joinableKey() > 0 }

// joinableKey returns the Seq of the newest keyframe if a reader can begin there, else 0.
func (t *Topic) joinableKey() uint64 {
	key := t.newestKey.Load()
	if key <= t.expired.Load() {
		return 0
	}
	// The ring drops the oldest frames first: if it holds the keyframe, it also holds all that follows.
	if f := t.slots[key&t.mask].Load(); f == nil || f.Seq != key || f.Withdrawn {
		return 0
	}
	return key
}

// join returns where a new reader in mode Decodable starts. Read the head first: a keyframe up to this head is found in the ring, and one
// that is published after it is still to be read.
func (t *Topic) join() (start uint64, r run) { return t.joinAfter(t.head.Load()) }

// joinAfter is join for a reader that has read head. It starts at the newest keyframe, or after head if there is none.
func (t *Topic) joinAfter(head uint64) (start uint64, r run) {
	key := t.joinableKey()
	if key == 0 {
		return head, run{since: noRun}
	}
	return key - 1, run{since: noRun, catchUpTo: t.head.Load(), catchUpEnd: t.now().Add(CatchUp)}
}
