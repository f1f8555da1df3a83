package mqtt

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// The client survives any answer of a broker, ends when its context does, and logs little of the answer.
func FuzzBrokerPackets(f *testing.F) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	f.Fuzz(func(t *testing.T, answer []byte) {
		core, log := observer.New(zap.DebugLevel)
		h := newFakeCameras("yard")
		o := Options{
			Broker: &url.URL{Scheme: "mqtt", Host: l.Addr().String()}, User: "camd", Password: password, Prefix: "camd", Discovery: "homeassistant",
			Cameras: h.cameras, Viewers: h.viewerCounts, Site: "box", Log: zap.New(core),
		}
		o.Switch = func(context.Context, string, bool) error { return nil }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); New(o).Run(ctx) }()
		conn := acceptClient(t, l)
		_, _ = conn.Write(answer)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn) // until the client has closed the connection, too
		_ = conn.Close()
		cancel()
		<-done
		for _, e := range log.All() {
			for key, v := range e.ContextMap() {
				if s, ok := v.(string); ok && (strings.Contains(s, password) || len(s) > 1000) {
					t.Errorf("%s: %s is %q", e.Message, key, s)
				}
			}
		}
	})
}

// acceptClient returns the next connection that sends a packet. The client of an earlier input may have connected again before it ended.
func acceptClient(t *testing.T, l net.Listener) net.Conn {
	for {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := packets.ReadPacket(conn); err == nil {
			return conn
		}
		_ = conn.Close()
	}
}

// A packet that is larger than allowed is refused before it is read; smaller ones pass byte for byte.
func TestOversizePacketIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		size uint32
		ok   bool
	}{{"small", 100, true}, {"as large as allowed", maxPacketSize, true}, {"one byte more", maxPacketSize + 1, false}, {"as large as the protocol allows", 1<<28 - 1, false}} {
		head := []byte{0x30}
		for n := c.size; ; n >>= 7 {
			if n < 128 {
				head = append(head, byte(n))
				break
			}
			head = append(head, byte(n)|128)
		}
		sent := append(head, make([]byte, min(c.size, maxPacketSize))...)
		sent = append(sent, 0xd0, 0) // PINGRESP
		here, there := net.Pipe()
		go func() { _, _ = there.Write(sent); _ = there.Close() }()
		got, err := io.ReadAll(&limitedConn{Conn: here})
		_ = here.Close()
		if (err == nil) != c.ok || c.ok && !bytes.Equal(got, sent) {
			t.Errorf("%s: %d of %d bytes, %v", c.name, len(got), len(sent), err)
		}
	}
}
