package broker

// ringUsage counts the bytes of the frames that a topic holds. It belongs to the publisher.
type ringUsage struct {
	sizes     []int64 // bytes of each slot's frame. Reading the size from an old frame would cost more, because it is not in the CPU's cache
	limit     int64
	budget    *Budget // may be nil
	held      int64   // bytes of the frames in the slots
	tail      uint64  // Seq up to which slots have been emptied or overwritten
	isCounted bool    // the topic counts in the budget
	closed    bool    // the topic has ended, so changes no longer count in the budget
}

// set records the bytes of the frame in a slot; 0 if the slot is empty.
func (r *ringUsage) set(slot uint64, bytes int64) {
	change := bytes - r.sizes[slot]
	r.sizes[slot] = bytes
	r.held += change
	if r.budget == nil || r.closed {
		return
	}
	if !r.isCounted {
		r.isCounted = true
		r.budget.addTopics(1)
	}
	if change != 0 {
		r.budget.addBytes(change)
	}
}

// exceeded reports whether the slots hold more bytes than they may.
func (r *ringUsage) exceeded() bool { return r.held > r.allowance() }

// allowance returns how many bytes the slots may hold now.
func (r *ringUsage) allowance() int64 { return r.budget.allowance(r.limit) }

// close removes the topic and its bytes from the budget. Readers may still read the frames of a topic that has ended.
func (r *ringUsage) close() {
	if r.isCounted {
		r.budget.addBytes(-r.held)
		r.budget.addTopics(-1)
	}
	r.closed = true
}
