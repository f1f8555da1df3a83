package broker

// stock is a publisher's account of the frames that its topic's slots hold. It belongs to the publisher.
type stock struct {
	limit  int64
	budget *Budget // may be nil
	held   int64   // bytes of the frames in the slots
	tail   uint64  // Seq up to which slots have been emptied or overwritten
	joined bool    // the budget counts the topic
	closed bool    // the topic has ended and counts no more
}

// put counts a frame that has taken the slot of another, nil for an empty one.
func (s *stock) put(f, replaced *Frame) {
	bytes := int64(f.held)
	if replaced != nil {
		bytes -= int64(replaced.held)
	}
	s.add(bytes)
}

// take counts a frame that has left its slot, nil for none.
func (s *stock) take(f *Frame) {
	if f != nil {
		s.add(-int64(f.held))
	}
}

func (s *stock) add(bytes int64) {
	s.held += bytes
	if s.budget == nil || s.closed {
		return
	}
	if !s.joined {
		s.joined = true
		s.budget.join(1)
	}
	if bytes != 0 {
		s.budget.charge(bytes)
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
