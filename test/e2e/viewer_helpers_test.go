package e2e

import (
	"io"
	"net"
	"strings"
	"testing"
)

// watchWall watches a camera over a WebSocket and acknowledges every picture until the test ends.
func (d *daemon) watchWall(t *testing.T, id string) {
	t.Helper()
	d.dialWall(t, wallOptions{cameras: []string{id}, view: "full"}).drain()
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
