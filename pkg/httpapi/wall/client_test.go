package wall

import (
	"encoding/binary"
	"encoding/json"

	"github.com/coder/websocket"
)

// receivedFrame is a frame as a client gets it.
type receivedFrame struct {
	stream uint16
	flags  byte
	seq    uint64
	taken  uint64 // microseconds since 1970
	pts    int64
	offset int32 // microseconds from decoding to presentation
	data   []byte
	length int
	pieces int
}

// message is what a client has read: one of a notice, a stream and a complete frame.
type message struct {
	notice *serverMessage
	stream *streamMessage
	frame  *receivedFrame
}

// read reads the next message, and all pieces of a frame. It checks them as docs/protocol.md describes them.
func (c *client) read() message {
	c.t.Helper()
	for {
		kind, b, err := c.conn.Read(c.ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		m, bad := c.parse(kind, b)
		if bad != "" {
			c.t.Fatalf("%s: %.300q", bad, b)
		}
		if m != (message{}) {
			return m
		}
	}
}

// parse parses a message. It returns no message for an incomplete frame, and a text for one that breaks the protocol.
func (c *client) parse(kind websocket.MessageType, b []byte) (m message, bad string) {
	if kind == websocket.MessageBinary {
		m.frame, bad = c.assemble(b)
		return m, bad
	}
	var n serverMessage
	if err := json.Unmarshal(b, &n); err != nil {
		return m, err.Error()
	}
	if n.Type != "stream" {
		return message{notice: &n}, ""
	}
	var st streamMessage
	if err := json.Unmarshal(b, &st); err != nil {
		return m, err.Error()
	}
	for number, other := range c.streams {
		if other.Camera == st.Camera {
			delete(c.streams, number)
			delete(c.frames, number)
		}
	}
	if st.Stream == 0 || c.streams[st.Stream].Stream != 0 {
		return m, "the number is in use"
	}
	c.streams[st.Stream] = st
	return message{stream: &st}, ""
}

// assemble adds a piece of a frame. It returns the frame when it is complete.
func (c *client) assemble(b []byte) (*receivedFrame, string) {
	if len(b) < headerLength || len(b) > maxPiece || b[0] != Version {
		return nil, "this is no piece of a frame"
	}
	number, offset := binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint32(b[8:]))
	if c.streams[number].Stream == 0 {
		return nil, "the stream was not announced"
	}
	f := c.frames[number]
	if offset == 0 {
		f = &receivedFrame{
			stream: number, flags: b[1], length: int(binary.BigEndian.Uint32(b[4:])), seq: binary.BigEndian.Uint64(b[12:]),
			data: make([]byte, 0, len(b)), taken: binary.BigEndian.Uint64(b[20:]), pts: int64(binary.BigEndian.Uint64(b[28:])), offset: int32(binary.BigEndian.Uint32(b[36:])),
		}
		c.frames[number] = f
	}
	if f == nil || offset != len(f.data) || f.seq != binary.BigEndian.Uint64(b[12:]) || len(f.data)+len(b)-headerLength > f.length {
		return nil, "this piece does not continue the frame"
	}
	f.data, f.pieces = append(f.data, b[headerLength:]...), f.pieces+1
	if len(f.data) < f.length {
		return nil, ""
	}
	delete(c.frames, number)
	return f, ""
}

// readNotice reads a text message that is no stream.
func (c *client) readNotice() serverMessage {
	c.t.Helper()
	m := c.read()
	if m.notice == nil {
		c.t.Fatalf("want a notice, got %+v %+v", m.stream, m.frame)
	}
	return *m.notice
}

// readStream reads the announcement of a stream.
func (c *client) readStream() streamMessage {
	c.t.Helper()
	m := c.read()
	if m.stream == nil {
		c.t.Fatalf("want a stream, got %+v %+v", m.notice, m.frame)
	}
	return *m.stream
}

// expectStream reads the announcement of a stream of a track.
func (c *client) expectStream(camera, track, reason string) streamMessage {
	c.t.Helper()
	st := c.readStream()
	if st.Camera != camera || st.Track != track || st.Reason != reason {
		c.t.Fatalf("got %+v, want %s of %s for the reason %q", st, track, camera, reason)
	}
	return st
}

// readFrame reads a frame.
func (c *client) readFrame() receivedFrame {
	c.t.Helper()
	m := c.read()
	if m.frame == nil {
		c.t.Fatalf("want a frame, got %+v %+v", m.notice, m.stream)
	}
	return *m.frame
}

// expectFrame reads a frame and checks whose it is.
func (c *client) expectFrame(camera string, seq uint64) receivedFrame {
	c.t.Helper()
	f := c.readFrame()
	if got := c.streams[f.stream].Camera; got != camera || f.seq != seq {
		c.t.Fatalf("frame %d of %s, want %d of %s", f.seq, got, seq, camera)
	}
	return f
}
