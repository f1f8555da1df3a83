package broker

import "sync/atomic"

// DefaultTopicBytes is the default of Options.Bytes.
const DefaultTopicBytes = 8 << 20

// Budget bounds the bytes that the rings of several topics hold together. While the topics exceed it, each may keep its share: the
// limit divided by the number of topics. A topic drops frames down to its share in [Topic.Publish] and [Topic.Trim], but never the
// newest. Once every topic has called one of them, the rings hold at most the limit plus one frame for each topic. A Budget is safe for
// concurrent use.
type Budget struct {
	limit  int64
	parent *Budget
	held   atomic.Int64
	topics atomic.Int64
}

// NewBudget returns a budget of limit bytes. Its frames also count against parent, which may be nil.
func NewBudget(limit int64, parent *Budget) *Budget { return &Budget{limit: limit, parent: parent} }

// Held returns the bytes of frames that the budget's topics hold now.
func (b *Budget) Held() int64 { return b.held.Load() }

// addTopics changes the number of topics: 1 for a topic with its first frame, -1 for one that has ended.
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

// allowance returns how many bytes a topic with the limit own may keep now. It is never more than own.
func (b *Budget) allowance(own int64) int64 {
	for ; b != nil; b = b.parent {
		if b.held.Load() > b.limit {
			own = min(own, b.limit/max(b.topics.Load(), 1))
		}
	}
	return own
}
