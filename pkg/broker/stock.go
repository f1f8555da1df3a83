package broker

// stock is a publisher's account of the frames that its topic's slots hold. It belongs to the publisher.
type stock struct {
	sizes  []int64 // bytes of each slot's frame: to look into a frame that is long gone from the processor's cache would cost more
	limit  int64
	budget *Budget // may be nil
	held   int64   // bytes of the frames in the slots
	tail   uint64  // Seq up to which slots have been emptied or overwritten
	joined bool    // the budget counts the topic
	closed bool    // the topic has ended and counts no more
}

// put counts the frame that a slot holds now, of 0 bytes if it holds none.
func (s *stock) put(slot uint64, bytes int64) {
	more := bytes - s.sizes[slot]
	s.sizes[slot] = bytes
	s.held += more
	if s.budget == nil || s.closed {
		return
	}
	if !s.joined {
		s.joined = true
		s.budget.join(1)
	}
	if more != 0 {
		s.budget.charge(more)
	}
}

// exceeded reports whether the slots hold more than they may.
func (s *stock) exceeded() bool { return s.held > s.allowance() }

// allowance is how many bytes they may hold now.
func (s *stock) allowance() int64 { return s.budget.allowance(s.limit) }

// close gives the budget back what the topic has of it. Readers may still take the frames of a topic that has ended.
func (s *stock) close() {
	if s.joined {
		s.budget.charge(-s.held)
		s.budget.join(-1)
	}
	s.closed = true
}
