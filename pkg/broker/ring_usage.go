package broker

// ringUsage counts the bytes of the frames that a topic holds. It belongs to the publisher.
type ringUsage struct {
	sizes     []int64 // bytes of each slot's frame; reading them from an old frame, which is not in the processor's cache, would cost more
	limit     int64
	budget    *Budget // may be nil
	held      int64   // bytes of the frames in the slots
	tail      uint64  // Seq up to which slots have been emptied or overwritten
	isCounted bool    // the topic counts in the budget
	closed    bool    // the topic has ended, so changes no longer count in the budget
}

// set records the bytes of the frame in a slot; 0 if the slot is empty.
func (s *ringUsage) set(slot uint64, bytes int64) {
	change := bytes - s.sizes[slot]
	s.sizes[slot] = bytes
	s.held += change
	if s.budget == nil || s.closed {
		return
	}
	if !s.isCounted {
		s.isCounted = true
		s.budget.addTopics(1)
	}
	if change != 0 {
		s.budget.addBytes(change)
	}
}

// exceeded reports whether the slots hold more bytes than they may.
func (s *ringUsage) exceeded() bool { return s.held > s.allowance() }

// allowance returns how many bytes the slots may hold now.
func (s *ringUsage) allowance() int64 { return s.budget.allowance(s.limit) }

// close removes the topic and its bytes from the budget. Readers may still read the frames of a topic that has ended.
func (s *ringUsage) close() {
	if s.isCounted {
		s.budget.addBytes(-s.held)
		s.budget.addTopics(-1)
	}
	s.closed = true
}
