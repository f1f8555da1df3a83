package mp4

import (
	"errors"

	"camd/pkg/broker"
	"camd/pkg/media/fmp4"
)

// errCodecChanged ends a stream. A player cannot change the decoder of a track.
var errCodecChanged = errors.New("the camera has changed the codec: open the stream again")

// Bounds on the time from one frame to the next, in ticks.
const (
	minGap     = fmp4.Timescale      // a shorter time is no gap, unless frames were dropped
	maxStep    = 10 * fmp4.Timescale // a longer time is always a gap
	gapFactor  = 3                   // a gap is longer than that number of frames
	compressBy = 50                  // of the times in a catch-up, where frames are reordered: their times differ by a millisecond at least
)

// timeline makes one viewer's stream: a fanout.Muxer.
//
// Players count from the first time that they see, and wait out every gap. So the viewer has its own times. They begin at 0. The frames
// that were there when it joined take one tick each, so that a player shows them at once. Gaps are closed: a frame after dropped frames, an
// outage or a pause follows the frame before it after the usual interval.
//
// The order in which frames are displayed stays. So with B-frames, a gap is closed at a keyframe only. Of the frames that were there when
// the viewer joined, all times are compressed, also those of presentation.
type timeline struct {
	joinedSeq uint64 // Seq of the newest frame when the viewer joined
	joinedDTS int64  // its DTS, in ticks
	codec     string
	at, next  position // after the frame before, and after the frame of the last Mux
	head      [fmp4.HeadSize]byte
}

// position is where a viewer is after a frame. All times are in ticks.
type position struct {
	sequence  uint32 // of the fragment
	seq       uint64 // of the frame
	dts       int64  // on the track's clock
	duration  int64  // as the frame's head has it
	interval  int64  // the usual time between frames
	decode    int64  // on the viewer's timeline
	displayed int64  // the highest time of presentation so far, on the viewer's timeline
}

// newTimeline returns the timeline of a viewer that joins when newest is the newest frame, which may be nil.
func newTimeline(newest *broker.Frame) *timeline {
	if newest == nil {
		return &timeline{}
	}
	return &timeline{joinedSeq: newest.Seq, joinedDTS: fmp4.Ticks(newest.DTS)}
}

// Mux implements fanout.Muxer. The first frame has the initialisation segment in front. Its format's parameter sets are also in front of
// every keyframe, so later formats need no other segment.
func (t *timeline) Mux(f *broker.Frame) (head, rest []byte, err error) {
	isFirst := t.at.sequence == 0
	if isFirst {
		t.codec = f.Format.Codec
	}
	if f.Format.Codec != t.codec || len(f.Wire) < fmp4.HeadSize {
		return nil, nil, errCodecChanged
	}
	head = t.head[:]
	copy(head, f.Wire)
	offset := fmp4.Ticks(f.PTS) - fmp4.Ticks(f.DTS)
	t.next = t.at.after(f, fmp4.Duration(head), offset, t.joinedSeq)
	if f.Seq <= t.joinedSeq && offset > 0 {
		offset = t.next.catchUpOffset(offset, t.joinedDTS)
		fmp4.SetOffset(head, offset)
	}
	t.next.displayed = max(t.next.displayed, t.next.decode+offset)
	fmp4.SetTime(head, t.next.sequence, uint64(t.next.decode))
	if isFirst {
		head = append(append(make([]byte, 0, len(f.Format.Init)+len(head)), f.Format.Init...), head...)
	}
	return head, f.Wire[fmp4.HeadSize:], nil
}

// Sent implements fanout.Muxer.
func (t *timeline) Sent() { t.at = t.next }

// after returns the position of a frame that follows the one of p. displayed is still that of p.
func (p position) after(f *broker.Frame, duration, offset int64, joinedSeq uint64) position {
	dts := fmp4.Ticks(f.DTS)
	n := position{sequence: p.sequence + 1, seq: f.Seq, dts: dts, duration: duration, interval: p.interval, displayed: p.displayed}
	elapsed := dts - p.dts
	isReordered := offset > 0 || p.displayed > p.decode
	switch isGap := p.isGap(elapsed); {
	case p.sequence == 0:
		n.interval = min(max(duration, 1), maxStep)
	case f.Seq <= joinedSeq && isReordered && !isGap:
		n.decode = p.decode + max(dts/compressBy-p.dts/compressBy, 1)
	case f.Seq <= joinedSeq:
		n.decode = p.decode + 1
	case isGap:
		n.decode = p.closed(offset)
	case f.Seq == p.seq+1:
		n.decode, n.interval = p.decode+elapsed, elapsed
	case !isReordered:
		n.decode = p.closed(offset)
	case f.Key:
		n.decode = min(p.closed(offset), p.decode+elapsed)
	default:
		n.decode = p.decode + elapsed
	}
	return n
}

// isGap reports whether a frame that is elapsed after the one of p follows an outage, or has another clock.
func (p position) isGap(elapsed int64) bool {
	return elapsed <= 0 || elapsed > maxStep || elapsed > minGap && elapsed > gapFactor*p.duration
}

// closed returns the decode time of a frame after a gap: it is displayed after all frames before it.
func (p position) closed(offset int64) int64 {
	return max(p.decode+p.interval, p.displayed+1-offset)
}

// catchUpOffset returns the composition offset of a frame that was there when the viewer joined. Times up to the newest frame of that
// moment are compressed. From there on, time is as it is.
func (p position) catchUpOffset(offset, joinedDTS int64) int64 {
	displayed := p.dts + offset
	until := max(min(displayed, joinedDTS), p.dts)
	return until/compressBy - p.dts/compressBy + displayed - until
}
