package wall

import (
	"encoding/json"
	"slices"
	"time"

	"camd/pkg/broker"
	"camd/pkg/fanout"
	"camd/pkg/httpapi/viewers"
)

// messageWriter is what a session uses to write.
type messageWriter struct {
	header    []byte     // of a piece
	pieces    []delivery // in the batch
	bytes     int        // of the batch
	lastWrite time.Time
}

// delivery is a piece of a frame that is about to be handed to the connection.
type delivery struct {
	viewer *viewers.Viewer
	frame  *broker.Frame // nil unless the piece is its last one
	bytes  int
}

// send sends what is queued, and the frames of this round if it is time. It handles the client's requests between two batches.
func (s *session) send() error {
	for {
		s.conn.batch.collect()
		hasMore, err := s.collectBatch()
		if flushed := s.flush(); err == nil {
			err = flushed
		}
		if err != nil || !hasMore || s.ctx.Err() != nil {
			return err
		}
		s.handleWaiting()
	}
}

// collectBatch writes messages into the batch. It reports whether there are more.
func (s *session) collectBatch() (hasMore bool, err error) {
	isRound := s.isUrgent && !s.paused
	s.isUrgent = false
	if isRound {
		s.checkCameras(time.Now())
	}
	if err := s.writeNotices(); err != nil || !isRound {
		return false, err
	}
	hasMore, err = s.writePieces(time.Now())
	s.isUrgent = s.isUrgent || hasMore // a camera may have changed its track
	return s.isUrgent, err
}

// flush hands the batch to the connection, and counts what it has taken.
func (s *session) flush() error {
	w := &s.writer
	err := s.conn.batch.flush()
	if err == nil {
		for _, d := range w.pieces {
			d.viewer.Bytes.Add(uint64(d.bytes))
			if d.frame != nil {
				d.viewer.RecordSent(d.frame)
			}
		}
	}
	clear(w.pieces) // which would keep the frames
	w.pieces, w.bytes = w.pieces[:0], 0
	return err
}

func (s *session) writeNotices() error {
	for _, n := range s.notices {
		if err := s.writeText(n); err != nil {
			return err
		}
	}
	s.notices = s.notices[:0]
	return nil
}

func (s *session) writeText(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	s.writer.lastWrite = time.Now()
	s.writer.bytes += len(text)
	return s.conn.batch.addMessage(frameText, nil, text)
}

// checkCameras reacts to what has happened to the cameras since the last round.
func (s *session) checkCameras(now time.Time) {
	for i := len(s.turns) - 1; i >= 0; i-- { // from the end, because rejoin may remove one
		t := s.turns[i]
		switch {
		case s.clearWithdrawn(t, now):
			s.restart(t, now)
		case t.stream.hasEnded():
			s.rejoin(t, now)
		case now.Before(t.hurryUntil), t.hasNewFrames():
			s.review(t, now)
		}
	}
	if now.Sub(s.reviewed) >= reviewInterval {
		s.reviewAll(now)
	}
}

// rejoin chooses another track for a camera whose topic has ended. It removes the camera if it is not configured any more.
func (s *session) rejoin(t *subscription, now time.Time) {
	target, err := s.opts.FindCamera(t.camera)
	if err == nil {
		t.target = target
		if topic, bad := t.topicOf(s.choose(t, now)); bad == nil && topic != t.stream.topic {
			s.restart(t, now)
			return
		}
	}
	s.remove(t)
	s.notify(serverMessage{Type: "unsubscribed", Camera: t.camera, Message: "this camera was removed from the configuration"})
}

// writePieces writes pieces of frames in turns by camera, until no camera has more or the batch is full. It reports whether it is full.
func (s *session) writePieces(now time.Time) (isFull bool, err error) {
	idle := 0 // cameras in sequence that have nothing
	for idle < len(s.turns) {
		s.nextTurn %= len(s.turns)
		t := s.turns[s.nextTurn]
		s.nextTurn++
		if t.stream.frame == nil {
			if err := s.takeFrame(t, now); err != nil {
				return false, err
			}
		}
		if t.stream.frame == nil {
			idle++
			continue
		}
		idle = 0
		if err := s.writePiece(t, now); err != nil {
			return false, err
		}
		if s.writer.bytes >= maxBatch {
			return true, nil
		}
	}
	return false, nil
}

// takeFrame takes the next frame that the client gets of a camera, if there is one and the stream need not wait. It announces a new stream
// if the frame begins one.
func (s *session) takeFrame(t *subscription, now time.Time) error {
	st := t.stream
	for !st.isBlocked(now) {
		f := st.sub.TryNext()
		st.countDropped(t.viewer)
		if f == nil {
			return nil
		}
		isNew := st.number == 0 || st.choice.isVideo && f.Format != st.format
		if isNew && s.isInBatch(t.viewer) { // a change of the track would end the viewer before its frames are counted
			st.sub.Unread(f)
			s.isUrgent = true // for the next batch
			return nil
		}
		st.lastSeq = f.Seq
		if st.filter != nil && !f.Placeholder {
			if decision := st.filter(f); decision != fanout.Send {
				t.viewer.CountDropped(decision)
				continue
			}
		}
		if isNew {
			if st.choice.isVideo && !s.isStillChosen(t, f, now) {
				return nil // the next turn takes a frame of the other track
			}
			if err := s.announce(t, f); err != nil {
				return err
			}
		}
		st.begin(f, now)
		return nil
	}
	return nil
}

// isInBatch reports whether the batch has frames of a viewer.
func (s *session) isInBatch(v *viewers.Viewer) bool {
	return slices.ContainsFunc(s.writer.pieces, func(d delivery) bool { return d.viewer == v })
}

// isStillChosen reports whether a stream of video continues with a frame of another format. If not, it changes the track.
func (s *session) isStillChosen(t *subscription, f *broker.Frame, now time.Time) bool {
	st := t.stream
	if f.Format.CodecString == st.codec() && st.format != nil {
		return true
	}
	s.review(t, now)
	return t.stream == st
}

// announce gives the stream of a camera a new number, and sends the message that precedes its first frame.
func (s *session) announce(t *subscription, f *broker.Frame) error {
	st := t.stream
	delete(s.streams, st.number)
	st.renumber(s.nextNumber(), f.Format)
	s.streams[st.number] = t
	m := streamMessage{Type: "stream", Camera: t.camera, Stream: st.number, Track: st.choice.track, Codec: jpegCodec, Reason: st.choice.reason}
	if st.choice.isVideo {
		m.Codec, m.Width, m.Height, m.Init = f.Format.CodecString, f.Format.Width, f.Format.Height, f.Format.Init
	}
	return s.writeText(m)
}

// nextNumber returns a number for a stream: the next one that no stream has.
func (s *session) nextNumber() uint16 {
	for s.lastNumber++; s.lastNumber == 0 || s.streams[s.lastNumber] != nil; {
		s.lastNumber++
	}
	return s.lastNumber
}

// writePiece writes the next piece of a camera's frame into the batch.
func (s *session) writePiece(t *subscription, now time.Time) error {
	w, st, f := &s.writer, t.stream, t.stream.frame
	piece := f.Data[st.offset:min(st.offset+maxPiece-headerLength, len(f.Data))]
	w.header = appendHeader(w.header[:0], st.number, f, st.offset, st.isLate)
	st.offset += len(piece)
	d := delivery{viewer: t.viewer, bytes: headerLength + len(piece)}
	if st.offset == len(f.Data) {
		d.frame, st.frame = f, nil
		st.flow.add(f.Seq, now)
		st.sent++
	}
	w.pieces, w.bytes, w.lastWrite = append(w.pieces, d), w.bytes+d.bytes, now
	return s.conn.batch.addMessage(frameBinary, w.header, piece)
}
