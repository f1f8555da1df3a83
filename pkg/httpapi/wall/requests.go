package wall

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"camd/pkg/httpapi/request"
)

const (
	maxMessageBytes   = 16 << 10       // bytes of a message of the client
	messagesPerSecond = 50             // without acknowledgements of frames that were not acknowledged yet
	messageBurst      = 4 * MaxCameras // of them
	camerasPerMessage = 16             // a message that changes all cameras counts as one more for each of that number
	maxNameBytes      = 64             // bytes of the type, the camera or the view of a message
)

// noDeadline is a context without an end. Closing the connection ends a read.
var noDeadline = context.Background()

// clientRequest is a message from the client, or the error why it is none.
type clientRequest struct {
	clientMessage
	invalid error
}

// readRequests hands the client's requests to the session, until the client leaves.
func (s *session) readRequests() {
	var text bytes.Buffer
	for {
		_, message, err := s.conn.Reader(noDeadline)
		if err != nil || s.conn.messages.exceeded.Load() {
			return
		}
		text.Reset()
		if _, err := text.ReadFrom(message); err != nil {
			return
		}
		var r clientRequest
		r.invalid = json.Unmarshal(text.Bytes(), &r.clientMessage)
		select {
		case s.requests <- r:
		case <-s.ctx.Done():
			return
		}
	}
}

// handleWaiting handles requests that have come. It leaves some for the next time if the client sends faster than they are handled, so that
// the answers do not pile up.
func (s *session) handleWaiting() {
	for range maxWaitingRequests {
		select {
		case r := <-s.requests:
			s.handle(r)
		default:
			return
		}
	}
}

// handle handles a request.
func (s *session) handle(r clientRequest) {
	if r.invalid == nil && r.Type == "ack" && s.acknowledge(r.Seen, time.Now()) { // expected, so it does not count
		return
	}
	if !s.conn.messages.allow(s.cost(r)) {
		return // the connection is closed now
	}
	t := s.cameras[r.Camera]
	switch {
	case r.invalid != nil:
		s.notifyError("", "the message is not a JSON object with a type: "+request.SanitizeText(r.invalid.Error()))
	case max(len(r.Type), len(r.Camera), len(r.View)) > maxNameBytes: // the answer would repeat it
		s.notifyError("", fmt.Sprintf("the type, the camera or the view of the message has more than %d bytes", maxNameBytes))
	case r.Type == "ack":
	case r.Type == "hello":
		s.setDecodes(r.Decodes)
	case r.Type == "subscribe":
		v, err := parseView(r.View)
		if err != nil {
			s.notifyError(r.Camera, err.Error())
			return
		}
		s.subscribe(r.Camera, v)
	case r.Type == "unsubscribe":
		if t != nil {
			s.remove(t)
		}
		s.notify(serverMessage{Type: "unsubscribed", Camera: r.Camera})
	case r.Type == "failed":
		s.handleFailed(r.Stream)
	case r.Type == "pause", r.Type == "resume":
		s.setPaused(r.Type == "pause")
	default:
		s.notifyError(r.Camera, fmt.Sprintf("unknown type %q: the types are hello, subscribe, unsubscribe, ack, failed, pause and resume", r.Type))
	}
}

// cost returns as how many messages a request counts.
func (s *session) cost(r clientRequest) int {
	switch r.Type {
	case "hello", "pause", "resume": // each camera may get a new stream
		return 1 + len(s.turns)/camerasPerMessage
	}
	return 1
}

// acknowledge notes which frames a client has finished with, and reports whether there were any. A stream may have ended meanwhile.
func (s *session) acknowledge(seen map[uint16]uint64, now time.Time) (isNew bool) {
	for number, seq := range seen {
		t := s.streams[number]
		if t == nil {
			continue
		}
		isWaiting := !t.stream.choice.isVideo && t.stream.flow.isBlocked(now)
		if t.stream.acknowledge(seq, now) {
			isNew = true
			s.isUrgent = s.isUrgent || isWaiting // its newest picture does not wait for the next round, too
		}
	}
	return isNew
}

// setDecodes replaces what the client can decode.
func (s *session) setDecodes(codecs []string) {
	d, err := parseDecodes(codecs)
	if err != nil {
		s.notifyError("", err.Error())
		return
	}
	s.decodes = d
	now := time.Now()
	for _, t := range s.turns {
		clear(t.failed)
		s.review(t, now)
	}
}

// handleFailed changes the track of a camera whose stream the client cannot decode.
func (s *session) handleFailed(number uint16) {
	t := s.streams[number]
	if t == nil || !t.stream.choice.isVideo {
		return // the stream has ended, or has JPEGs, for which there is no other track
	}
	t.noteFailed(t.stream.choice.track, t.stream.codec())
	s.review(t, time.Now())
}

// clearPaused makes a paused client remove the pictures of cameras that were turned off meanwhile.
func (s *session) clearPaused(now time.Time) {
	for _, t := range s.turns {
		if t.stream == nil {
			s.clearWithdrawn(t, now)
		}
	}
}

// setPaused leaves all streams, so that nothing is sent and no picture is made for a hidden page, or joins them again.
func (s *session) setPaused(paused bool) {
	if paused == s.paused {
		return
	}
	s.paused = paused
	s.updateTicking()
	for _, t := range append([]*subscription(nil), s.turns...) { // join may remove one
		if paused {
			s.leave(t, false)
		} else if !s.join(t) {
			s.remove(t)
			s.notify(serverMessage{Type: "unsubscribed", Camera: t.camera})
		}
	}
}
