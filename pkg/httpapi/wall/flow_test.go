package wall

import (
	"testing"
	"time"
)

// A client that acknowledges late, or has nothing to acknowledge, is not disconnected.
func TestLateAcksAreNotOverdue(t *testing.T) {
	const timeout = 2 * time.Minute
	at := time.Unix(1700000000, 0)
	f := &flow{isVideo: true}
	if f.isOverdue(at, timeout) {
		t.Error("overdue without a frame")
	}
	f.add(1, at)
	f.add(2, at)
	at = at.Add(timeout)
	if f.isOverdue(at, timeout) {
		t.Error("overdue before its time")
	}
	if !f.acknowledge(1, at) || f.acknowledge(1, at) {
		t.Error("an acknowledgement is new once")
	}
	at = at.Add(timeout)
	if f.isOverdue(at, timeout) {
		t.Error("overdue after it acknowledged one of two")
	}
	f.acknowledge(2, at)
	at = at.Add(3 * timeout)
	if f.isOverdue(at, timeout) || f.isBlocked(at) {
		t.Error("overdue with nothing to acknowledge")
	}
	f.add(3, at)
	f.acknowledge(2, at.Add(timeout))
	if at = at.Add(timeout + 1); !f.isOverdue(at, timeout) {
		t.Error("not overdue after it acknowledged what it had acknowledged")
	}
}

func TestFlowBlocks(t *testing.T) {
	at := time.Unix(1700000000, 0)
	jpeg, video := &flow{}, &flow{isVideo: true}
	for seq := uint64(1); seq <= maxUnackedJPEGs; seq++ {
		if jpeg.isBlocked(at) {
			t.Errorf("blocked before picture %d", seq)
		}
		jpeg.add(seq, at)
	}
	for seq := range uint64(100) {
		video.add(seq, at)
	}
	if !jpeg.isBlocked(at) || video.isBlocked(at.Add(ackWait)) || !video.isBlocked(at.Add(ackWait+1)) {
		t.Error("pictures are bound by their number, and video by time")
	}
	jpeg.acknowledge(1, at)
	video.acknowledge(98, at)
	video.add(100, at.Add(ackWait))
	if jpeg.isBlocked(at) || !video.isBlocked(at.Add(ackWait+1)) {
		t.Error("the oldest frame that is not acknowledged counts")
	}
	video.acknowledge(99, at)
	if video.isBlocked(at.Add(ackWait + 1)) {
		t.Error("blocked by a frame that is acknowledged")
	}
}
