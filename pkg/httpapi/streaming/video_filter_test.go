package streaming

import (
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
)

// Above the limit, a viewer of video misses a disposable frame alone, and with any other frame all that need it.
func TestVideoFilterLeavesOutWhatNeedsAMissingFrame(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	frame := func(seq, keySeq uint64, bytes int, disposable bool) *broker.Frame {
		return &broker.Frame{Seq: seq, KeySeq: keySeq, Key: seq == keySeq, Disposable: disposable, Captured: at, Wire: make([]byte, bytes)}
	}
	filter := NewVideoFilter(1000)
	cases := []struct {
		frame *broker.Frame
		sent  bool
	}{
		{frame(1, 1, 900, false), true},
		{frame(2, 1, 500, true), false}, // over the limit, and nobody needs it
		{frame(3, 1, 50, false), true},
		{frame(3, 1, 50, false), true}, // it comes again if the socket took nothing
		{frame(4, 1, 500, false), false},
		{frame(5, 1, 10, false), false}, // it needs frame 4
		{frame(6, 6, 900, false), false},
		{frame(7, 6, 10, false), false},
		{frame(8, 8, 50, false), true},
		{frame(9, 6, 1, false), false}, // a leading frame needs the keyframe before
		{frame(10, 8, 0, false), true},
	}
	for _, c := range cases {
		if got := filter(c.frame); (got == fanout.Send) != c.sent {
			t.Errorf("frame %d: %v", c.frame.Seq, got)
		}
	}
	if NewVideoFilter(0) != nil {
		t.Error("there is a filter without a limit")
	}
}
