package broker

// ringUsage is a publisher's account of the frames that its topic's slots hold. It belongs to the publisher.
type ringUsage struct {
	sizes     []int64 // bytes of each slot's frame: to look into a frame that is long gone from the processor's cache would cost more
	limit     int64
	budget    *Budget // may be nil
	held      int64   // bytes of the frames in the slots
	tail      uint64  // Seq up to which slots have been emptied or overwritten
	isCounted bool    // the budget counts the topic
	closed    bool    // the topic has ended and counts no more
}

// set counts the frame that a slot holds now, of 0 bytes if it holds none.
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

// exceeded reports whether the slots hold more than they may.
func (s *ringUsage) exceeded() bool { return s.held > s.allowance() }

// allowance is how many bytes they may hold now.
func (s *ringUsage) allowance() int64 { return s.budget.allowance(s.limit) }

// close gives the budget back what the topic has of it. Readers may still take the frames of a topic that has ended.
func (s *ringUsage) close() {
	if s.isCounted {
		s.budget.addBytes(-s.held)
		s.budget.addTopics(-1)
	}
	s.closed = true
}
