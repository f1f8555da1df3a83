package broker

import "sync/atomic"

// DefaultTopicBytes is how many bytes of frames a topic holds at most by default.
const DefaultTopicBytes = 8 << 20

// Budget bounds the bytes that the rings of several topics hold together. While they exceed it, each topic keeps at most its share:
// the limit divided by the number of topics. A topic goes down to its share when it publishes, and in [Topic.Trim]. The newest
// frame always stays. Once every topic has done one or the other, their rings hold at most the limit and one frame a topic.
// Safe for concurrent use.
type Budget struct {
	limit  int64
	parent *Budget
	held   atomic.Int64
	topics atomic.Int64
}

// NewBudget returns a budget of so many bytes. What counts against it also counts against parent, which may be nil.
func NewBudget(limit int64, parent *Budget) *Budget { return &Budget{limit: limit, parent: parent} }

// Held returns how many bytes of frames the rings of the budget hold now.
func (b *Budget) Held() int64 { return b.held.Load() }

// addTopics counts a topic that holds frames, or with -1 one that no longer does.
func (b *Budget) addTopics(topics int64) {
	for ; b != nil; b = b.parent {
		b.topics.Add(topics)
	}
}

func (b *Budget) addBytes(bytes int64) {
	for ; b != nil; b = b.parent {
		b.held.Add(bytes)
	}
}

// allowance returns how many bytes a topic may keep now, at most its own limit.
func (b *Budget) allowance(own int64) int64 {
	for ; b != nil; b = b.parent {
		if b.held.Load() > b.limit {
			own = min(own, b.limit/max(b.topics.Load(), 1))
		}
	}
	return own
}
