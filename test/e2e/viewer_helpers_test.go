package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// watchWall watches a camera over a WebSocket and acknowledges every picture until the test ends.
func (d *daemon) watchWall(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	conn, _, err := websocket.Dial(ctx, strings.Replace(d.URL, "http", "ws", 1)+"/api/v1/wall?rendition=main&cameras="+id, nil)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			kind, b, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if kind != websocket.MessageBinary {
				continue
			}
			ack, _ := json.Marshal(map[string]any{"type": "ack", "camera": id, "seq": binary.BigEndian.Uint64(b[4:])})
			if conn.Write(ctx, websocket.MessageText, ack) != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); _ = conn.CloseNow(); <-done })
}

// openUnreadStream requests a stream and does not read it. The connection is closed when the test ends.
func (d *daemon) openUnreadStream(t *testing.T, path string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}
