package broker

import "time"

// Trim drops the oldest frames until the ring is within Options.Bytes and its share of the budget, and within Options.Groups and
// Options.MaxAge. It never drops the newest frame. Publish trims, too. A publisher without new frames should call Trim now and then,
// because other topics of the budget may need the bytes.
func (t *Topic) Trim() { t.trim(t.now()) }

func (t *Topic) trim(now time.Time) {
	first := t.keyframes.first()
	if t.maxAge == 0 && t.usage.tail+1 >= first && !t.usage.exceeded() {
		return
	}
	allowance := t.usage.allowance()
	t.dropWhile(func(tail *Frame) bool {
		return t.usage.held > allowance || tail.Seq < first || t.maxAge > 0 && now.Sub(tail.Published) > t.maxAge
	})
}

// dropWhile drops the oldest frame as long as it is not the newest and the condition holds for it.
func (t *Topic) dropWhile(condition func(oldest *Frame) bool) {
	head := t.head.Load()
	if depth := uint64(len(t.slots)); head > depth {
		t.usage.tail = max(t.usage.tail, head-depth)
	}
	// Empty only slots below the head: the newest frame stays, and a reader that finds an empty slot also finds a newer head.
	for t.usage.tail+1 < head {
		slot := (t.usage.tail + 1) & t.mask
		if !condition(t.slots[slot].Load()) {
			return
		}
		t.usage.tail++
		t.slots[slot].Store(nil)
		t.usage.set(slot, 0)
	}
}

// Expire hides all frames that were published so far from new subscriptions and from Newest. Then it drops all but the newest frame.
// Call it when a stream stops because it has no readers or its source is lost, so that the next reader does not begin with an old
// picture. Open subscriptions still get the newest frame.
func (t *Topic) Expire() {
	t.expired.Store(t.head.Load())
	t.dropWhile(func(*Frame) bool { return true })
}

// Withdraw makes every frame that the topic holds unreachable. When it returns, no reader can get one of them any more. Readers skip
// the withdrawn frames and count them as withdrawn. It wakes no reader: publish a placeholder afterwards, so that viewers get a frame.
func (t *Topic) Withdraw() {
	t.format = nil
	for i := range t.slots {
		if held := t.slots[i].Load(); held != nil && !held.Withdrawn {
			// Keep the Seq in its slot: a reader that looks for this Seq finds one of the two frames, and no gap.
			t.slots[i].Store(&Frame{Seq: held.Seq, Published: held.Published, Format: unknownFormat, Withdrawn: true})
			t.usage.set(uint64(i), 0)
		}
	}
	t.withdrawn.Add(1) // after the slots: a reader that sees the new count gets none of these frames
}

// Withdrawals returns how often Withdraw was called. A reader that finds another number than before removes what it got before, such as
// from the buffers of its client.
func (t *Topic) Withdrawals() uint64 { return t.withdrawn.Load() }
