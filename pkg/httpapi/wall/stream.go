package wall

import (
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
)

// catchUpAfter is how old a frame is that is sent as catch-up although it was not there when the stream began. It is also the longest time
// without a frame that is shown: a connection that is always late has to show a moving picture, too.
const catchUpAfter = 250 * time.Millisecond

// settleTime is how long the client may take until it acknowledges the first frame of a stream, because a player takes a moment to start.
// Frames that are left out until then say nothing about the connection.
const settleTime = 5 * time.Second

// stream is the frames of one track that a client gets. It belongs to its subscription, and is replaced when the track changes.
type stream struct {
	choice choice
	topic  *broker.Topic
	sub    *broker.Subscription
	filter func(*broker.Frame) fanout.Decision // by bytes per second; nil without a limit
	began  time.Time
	joined uint64 // newest frame when the stream began

	number uint16         // as announced to the client; 0 before the first frame
	format *broker.Format // of the frames since; nil before the first frame
	flow   flow

	frame   *broker.Frame // that is being sent; nil between two frames
	offset  int           // bytes of it that have been sent
	isLate  bool          // of that frame: it is part of a catch-up
	shown   time.Time     // when a frame was last sent that is not part of a catch-up
	lastSeq uint64        // of the frame taken last
	due     time.Time     // of a choice with a period: when the next picture is sent

	settleBy time.Time // settleTime after the first frame; zero before it

	dropped    broker.Drops // as counted for the viewer
	sent       uint64       // frames since the last review
	late       uint64       // frames left out as of the last review
	isCounting bool         // late is valid: the client has acknowledged a frame, or had the time for it
}

func newStream(topic *broker.Topic, c choice, bytesPerSecond int64, now time.Time) *stream {
	st := &stream{choice: c, topic: topic, filter: streaming.NewVideoFilter(bytesPerSecond), began: now, flow: flow{isVideo: c.isVideo}}
	if c.isVideo {
		st.sub = topic.Subscribe(broker.Decodable)
	} else {
		st.sub = topic.SubscribeEvery(broker.Latest, c.period)
	}
	st.joined = topic.Published()
	return st
}

// codec returns the codec of the frames; empty before the first one.
func (st *stream) codec() string {
	if st.format == nil {
		return ""
	}
	return st.format.CodecString
}

// hasEnded reports whether the topic has ended.
func (st *stream) hasEnded() bool {
	select {
	case <-st.sub.Ended():
		return true
	default:
		return false
	}
}

// isBlocked reports whether the stream may not begin another frame now.
func (st *stream) isBlocked(now time.Time) bool {
	return st.flow.isBlocked(now) || st.choice.period > 0 && now.Before(st.due)
}

// begin begins to send a frame.
func (st *stream) begin(f *broker.Frame, now time.Time) {
	st.frame, st.offset = f, 0
	newest := st.topic.Published()
	st.isLate = st.choice.isVideo && f.Seq < newest && (f.Seq < st.joined || now.Sub(f.Published) > catchUpAfter && now.Sub(st.shown) < catchUpAfter)
	if !st.isLate {
		st.shown = now
	}
	st.due = now.Add(st.choice.period)
	if st.settleBy.IsZero() {
		st.settleBy = now.Add(settleTime)
	}
}

// acknowledge notes that the client has finished with the frames up to seq. It reports whether there were any.
func (st *stream) acknowledge(seq uint64, now time.Time) bool {
	if !st.flow.acknowledge(seq, now) {
		return false
	}
	st.beginCounting()
	return true
}

// beginCounting begins to count the frames that are left out. Those up to now do not count, nor do those that wait now.
func (st *stream) beginCounting() {
	if !st.isCounting {
		st.isCounting, st.late = true, lateFrames(st.sub.Stats().Dropped)+st.waiting()
	}
}

// waiting returns how many frames are there that the stream has not taken.
func (st *stream) waiting() uint64 {
	newest := st.topic.Published() // it may be the one before lastSeq for a moment: see broker.Subscription.TryNext
	return max(newest, st.lastSeq) - st.lastSeq
}

// renumber begins to count acknowledgements for a new number of the stream.
func (st *stream) renumber(number uint16, f *broker.Format) {
	st.number, st.format, st.flow.unacked = number, f, st.flow.unacked[:0]
}

// countDropped counts for the viewer what the subscription has dropped.
func (st *stream) countDropped(v *viewers.Viewer) {
	dropped := st.sub.Stats().Dropped
	switch {
	case st.choice.isVideo:
		v.CountRingDrops(&st.dropped, dropped)
		return
	case dropped == st.dropped:
		return
	case st.choice.period > 0:
		v.DroppedRate.Add(dropped.Total() - st.dropped.Total())
	default:
		v.DroppedSlow.Add(dropped.Total() - st.dropped.Total())
	}
	st.dropped = dropped
}

func lateFrames(d broker.Drops) uint64 { return d.Late + d.Lapped + d.Resync }

// takeCounts returns how many frames were sent, and how many were left out because the client is slow, since the last call. Frames that
// wait while the stream is blocked count as left out. Most of them will be.
func (st *stream) takeCounts() (sent, late uint64) {
	sent, st.sent = st.sent, 0
	now := time.Now()
	if !st.settleBy.IsZero() && now.After(st.settleBy) {
		st.beginCounting()
	}
	if !st.isCounting {
		return 0, 0
	}
	total := lateFrames(st.sub.Stats().Dropped)
	isWaiting := st.flow.isBlocked(now)
	if !st.choice.isVideo { // most of the frames are left out because they are not due
		if isWaiting {
			late = 1
		}
		return sent, late
	}
	if isWaiting {
		total += st.waiting()
	}
	if total > st.late {
		late, st.late = total-st.late, total
	}
	return sent, late
}
