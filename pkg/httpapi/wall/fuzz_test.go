package wall

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A client may send any lines. It is answered in notices that are described, and stays connected unless it floods. It gets frames of
// existing cameras, and leaves nothing behind.
func FuzzMessages(f *testing.F) {
	for _, s := range []string{
		`{"type":"subscribe","camera":"yard"}`,
		`{"type":"hello","decodes":["avc1.640033"]}` + "\n" + `{"type":"subscribe","camera":"yard","view":"full"}` + "\n" + `{"type":"failed","stream":1}` + "\n" + `{"type":"hello"}`,
		`{"type":"subscribe","camera":"yard","view":"full"}` + "\n" + `{"type":"ack","seen":{"1":1}}` + "\n" + `{"type":"subscribe","camera":"hall"}`,
		`{"type":"pause"}` + "\n" + `{"type":"subscribe","camera":"yard"}` + "\n" + `{"type":"resume"}` + "\n" + `{"type":"unsubscribe","camera":"yard"}`,
		`{"type":"ack","seen":{"1":18446744073709551615,"65535":1}}`, `{"type":"ack","seen":{"x":1}}`, `{"type":"subscribe","camera":"yard","view":"huge"}`,
		`{"type":"failed"}`, `{"type":"failed","stream":-1}`, `{"type":"hello","decodes":["` + strings.Repeat("a", 100) + `"]}`,
		`{}`, `[]`, `null`, ``, "\x00", `{"type":"\u0000\n"}`, "{\"type\":\"\xff\xfe\"}", `{"type":1}`, strings.Repeat(`[`, 9000), strings.Repeat(" ", maxMessageBytes+1),
		`{"TYPE":"Subscribe","type":"subscribe","camera":"yard","camera":"hall"}`, `{"type":"subscribe","camera":"` + strings.Repeat("x", 9000) + `"}`,
	} {
		f.Add([]byte(s))
	}
	yard, hall := newVideoCamera("yard", "sub"), newTestCamera("hall")
	s := newTestServer(f, yard, hall)
	yard.publish(100)
	hall.publish(300 << 10)
	f.Fuzz(func(t *testing.T, in []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = conn.CloseNow()
			eventually(t, "no viewer is left", func() bool {
				return s.viewers.Count() == 0 && yard.named("preview").Subscriptions()+yard.named("video").Subscriptions()+hall.named("preview").Subscriptions() == 0
			})
		}()
		conn.SetReadLimit(64 << 10)
		c := &client{t: t, conn: conn, ctx: ctx, streams: map[uint16]streamMessage{}, frames: map[uint16]*receivedFrame{}}
		large := false
		lines := slices.Collect(bytes.SplitSeq(in, []byte("\n")))
		for _, line := range append(lines[:min(len(lines), 60)], []byte(`{"type":"unsubscribe","camera":"the end"}`)) {
			large = large || len(line) > maxMessageBytes
			if err := conn.Write(ctx, websocket.MessageText, line); err != nil && !large {
				t.Fatalf("after %.100q: %v", line, err)
			}
		}
		for over := false; !over; {
			kind, b, err := conn.Read(ctx)
			switch {
			case err != nil && large && (websocket.CloseStatus(err) == websocket.StatusMessageTooBig || websocket.CloseStatus(err) == -1):
				return // the connection may end before the client reads the reason
			case err != nil:
				t.Fatal(err)
			}
			m, bad := c.parse(kind, b)
			if bad != "" || kind == websocket.MessageText && len(b) > 500+12*len(in) {
				t.Fatalf("%s: %.300q", bad, b)
			}
			over = checkMessage(t, c, m)
		}
		if large {
			t.Error("a message longer than allowed was accepted")
		}
	})
}

// checkMessage checks what the client got, and reports whether it is the answer to its last message.
func checkMessage(t *testing.T, c *client, m message) bool {
	t.Helper()
	switch {
	case m.frame != nil:
		if id, size := c.streams[m.frame.stream].Camera, len(m.frame.data); !(id == "yard" && size == 100 || id == "hall" && size == 300<<10) {
			t.Errorf("%d bytes of %q", size, id)
		}
	case m.notice != nil:
		n := m.notice
		known := slices.Contains([]string{"hello", "subscribed", "unsubscribed", "alive", "error"}, n.Type)
		if !known || n.Type == "error" && n.Message == "" || n.Type == "subscribed" && (n.Camera != "yard" && n.Camera != "hall" || n.View == "") {
			t.Fatalf("%+v", n)
		}
		return n.Type == "unsubscribed" && n.Camera == "the end"
	}
	return false
}
