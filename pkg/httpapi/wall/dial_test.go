package wall

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// client is the client of a wall.
type client struct {
	t    testing.TB
	conn *websocket.Conn
	ctx  context.Context

	streams map[uint16]streamMessage
	frames  map[uint16]*receivedFrame // that are incomplete
}

func (s *testServer) dial(t testing.TB) *client {
	t.Helper()
	return s.dialWith(t, nil)
}

func (s *testServer) dialWith(t testing.TB, o *websocket.DialOptions) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	conn, _, err := websocket.Dial(ctx, s.url, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 10)
	t.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	c := &client{t: t, conn: conn, ctx: ctx, streams: map[uint16]streamMessage{}, frames: map[uint16]*receivedFrame{}}
	if n := c.readNotice(); n.Type != "hello" || n.Version != Version {
		t.Fatalf("greeted with %+v", n)
	}
	return c
}

func (c *client) send(r clientMessage) {
	c.t.Helper()
	text, _ := json.Marshal(r)
	if err := c.conn.Write(c.ctx, websocket.MessageText, text); err != nil {
		c.t.Fatal(err)
	}
}

// subscribe subscribes to a camera and reads the answer.
func (c *client) subscribe(camera, view string) {
	c.t.Helper()
	c.send(clientMessage{Type: "subscribe", Camera: camera, View: view})
	if n := c.readNotice(); n.Type != "subscribed" || n.Camera != camera || n.View == "" {
		c.t.Fatalf("%+v", n)
	}
}

func (c *client) ack(stream uint16, seq uint64) {
	c.t.Helper()
	c.send(clientMessage{Type: "ack", Seen: map[uint16]uint64{stream: seq}})
}
