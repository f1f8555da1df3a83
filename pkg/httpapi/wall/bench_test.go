package wall

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"camd/pkg/broker"
)

// A wall as many sites have it: the substreams of sixteen cameras.
const (
	benchStreams  = 16
	benchFPS      = 15
	benchSessions = 20
	benchFrame    = 3 << 10 // bytes
)

// BenchmarkDelivery measures the CPU time of the process for each frame that a session delivers over loopback TCP. The baseline writes the
// same messages with a plain write for each, as soon as a frame is published. Both include the readers of the clients, and the sessions
// include acknowledgements ten times a second for each client. An iteration is a fifteenth of a second: a frame of each camera.
func BenchmarkDelivery(b *testing.B) {
	b.Run("wall", func(b *testing.B) { benchmarkDelivery(b, startWalls) })
	b.Run("plain-writes", func(b *testing.B) { benchmarkDelivery(b, startPlainWrites) })
}

// benchmarkDelivery publishes frames as cameras do, to clients that start connects. start returns a function that ends them.
func benchmarkDelivery(b *testing.B, start func(*testing.B, []*testCamera) (end func())) {
	var cameras []*testCamera
	for i := range benchStreams {
		cameras = append(cameras, newVideoCamera(string(rune('a'+i)), "sub"))
	}
	format := &broker.Format{Codec: "h264", CodecString: "avc1.64001e", Width: 640, Height: 360, Init: make([]byte, 700)}
	wire, n := make([]byte, benchFrame), 0
	publish := func(c *testCamera) {
		at := time.Duration(n) * time.Second / benchFPS
		c.named("sub").Publish(broker.Frame{Captured: time.Now(), PTS: at, DTS: at, Key: n/benchStreams%60 == 0, Format: format, Wire: wire, Data: wire})
		n++
	}
	for _, c := range cameras {
		publish(c)
	}
	defer start(b, cameras)()
	tick := time.NewTicker(time.Second / benchFPS / benchStreams) // the cameras do not send at the same time
	defer tick.Stop()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	for b.Loop() {
		for _, c := range cameras {
			<-tick.C
			publish(c)
		}
	}
	frames := float64(b.N * benchStreams * benchSessions)
	b.ReportMetric(float64(cpuTime()-cpu)/frames, "cpu-ns/frame")
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/frames, "allocs/frame")
	b.ReportMetric(0, "ns/op")
}

// cpuTime returns the CPU time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// startWalls connects clients of walls that acknowledge what they get.
func startWalls(b *testing.B, cameras []*testCamera) (end func()) {
	s := newTestServer(b, cameras...)
	var clients sync.WaitGroup
	var conns []net.Conn
	for range benchSessions {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "ws://"))
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: wall\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		_ = writeMasked(conn, `{"type":"hello","decodes":["avc1.640033"]}`)
		for _, c := range cameras {
			_ = writeMasked(conn, `{"type":"subscribe","camera":"`+c.id+`"}`)
		}
		clients.Go(func() { discard(conn) })
		clients.Go(func() { acknowledgeAll(conn) })
	}
	eventually(b, "all clients have frames", func() bool {
		for _, c := range cameras {
			if s.totals(c.id, "sub").Sent < benchSessions {
				return false
			}
		}
		return true
	})
	return func() {
		sent, dropped := uint64(0), uint64(0)
		for _, c := range cameras {
			n := s.totals(c.id, "sub")
			sent, dropped = sent+n.Sent, dropped+n.Dropped()
		}
		if dropped*100 > sent {
			b.Errorf("%d frames were dropped and %d sent", dropped, sent)
		}
		for _, conn := range conns {
			_ = conn.Close()
		}
		clients.Wait()
	}
}

// acknowledgeAll acknowledges the newest frame of each stream ten times a second, whatever it is, until the connection ends.
func acknowledgeAll(conn net.Conn) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var streams []string
	for i := range benchStreams {
		streams = append(streams, `"`+string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10))+`":4294967296`)
	}
	ack := `{"type":"ack","seen":{` + strings.ReplaceAll(strings.Join(streams, ","), `"0`, `"`) + `}}`
	for writeMasked(conn, ack) == nil {
		<-tick.C
	}
}

// writeMasked writes a text message of a client (RFC 6455, section 5.2). The mask is zero.
func writeMasked(w io.Writer, text string) error {
	header := []byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}
	if len(text) > 125 {
		header = []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}
	}
	_, err := w.Write(append(header, text...))
	return err
}

// discard reads until the connection ends.
func discard(conn net.Conn) {
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 64<<10))
}

// startPlainWrites connects clients. For each client and camera, a goroutine writes the messages.
func startPlainWrites(b *testing.B, cameras []*testCamera) (end func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var running sync.WaitGroup
	var conns []net.Conn
	for range benchSessions {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, client, server)
		running.Go(func() { discard(client) })
		var mu sync.Mutex
		for _, c := range cameras {
			sub := c.named("sub").Subscribe(broker.Decodable)
			running.Go(func() { defer sub.Close(); writePlain(b, server, &mu, sub) })
		}
	}
	return func() {
		for _, c := range cameras {
			c.named("sub").End()
		}
		for _, c := range conns {
			_ = c.Close()
		}
		running.Wait()
	}
}

// writePlain writes each frame of a subscription as one message.
func writePlain(b *testing.B, conn net.Conn, mu *sync.Mutex, sub *broker.Subscription) {
	var message bytes.Buffer
	for {
		f, err := sub.Next(b.Context())
		if err != nil {
			return
		}
		message.Reset()
		_, _ = message.Write([]byte{0x82, 126, byte((headerLength + len(f.Data)) >> 8), byte(headerLength + len(f.Data))})
		_, _ = message.Write(appendHeader(message.AvailableBuffer(), 1, f, 0, false))
		_, _ = message.Write(f.Data)
		mu.Lock()
		_, err = conn.Write(message.Bytes())
		mu.Unlock()
		if err != nil {
			return
		}
	}
}
