package wall

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

func TestInvalidRequestsKeepTheSession(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	for _, text := range []string{
		"", "[]", `{"type":"subscribe","camera":"shed"}`, `{"type":"subscribe"}`, `{"type":"ack","seen":{"7":-1}}`, `{}`, `{"type":"ack","seen":{"70000":1}}`,
		`{"type":"subscribe","camera":"gate","view":"huge"}`, `{"type":"hello","decodes":[` + strings.Repeat(`"x",`, 40) + `"x"]}`,
	} {
		if err := c.conn.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if n := c.readNotice(); n.Type != "error" || n.Message == "" {
			t.Errorf("%q: %+v", text, n)
		}
	}
	c.subscribe("gate", "full")
	c.send(clientMessage{Type: "subscribe", Camera: "gate", View: "huge"})
	if n := c.readNotice(); n.Type != "error" {
		t.Errorf("%+v", n)
	}
	gate.publishIn("main", 10)
	c.expectStream("gate", "main", "") // after another view was refused
	c.expectFrame("gate", 1)
	c.send(clientMessage{Type: "ack", Seen: map[uint16]uint64{7: 1}})
	c.subscribe("gate", "")
	_ = c.conn.CloseNow()
	s.waitForViewers(t, gate, "preview", 0)
}

// A page cannot see pings, so it gets notices that the connection is alive.
func TestQuietSessionSendsAliveNotices(t *testing.T) {
	s := newTestServerWith(t, 10*time.Second, sessionOptions{AliveInterval: 20 * time.Millisecond}, newTestCamera("gate"))
	c := s.dial(t)
	for range 3 {
		if n := c.readNotice(); n != (serverMessage{Type: "alive"}) {
			t.Fatalf("%+v", n)
		}
	}
}

func TestPausedClientGetsErrors(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	c.send(clientMessage{Type: "pause"})
	c.send(clientMessage{Type: "subscribe", Camera: "shed"})
	if n := c.readNotice(); n.Type != "error" || n.Camera != "shed" {
		t.Fatalf("%+v", n)
	}
	c.subscribe("gate", "")
	s.waitForViewers(t, gate, "preview", 0)
	gate.publish(10)
	c.send(clientMessage{Type: "resume"})
	c.expectStream("gate", "preview", "")
	c.expectFrame("gate", 1)
}

// A camera whose stream cannot be joined again is unsubscribed.
func TestRefusedResumeUnsubscribes(t *testing.T) {
	s := newTestServer(t, newTestCamera("gate"))
	c := s.dial(t)
	c.subscribe("gate", "")
	s.isHidden.Store(true)
	c.send(clientMessage{Type: "pause"})
	c.send(clientMessage{Type: "resume"})
	if n := c.readNotice(); n.Type != "error" || n.Camera != "gate" {
		t.Fatalf("%+v", n)
	}
	if n := c.readNotice(); n.Type != "unsubscribed" || n.Camera != "gate" {
		t.Fatalf("%+v", n)
	}
}

func TestClientWithoutAcksIsCut(t *testing.T) {
	gate, yard := newTestCamera("gate"), newTestCamera("yard")
	s := newTestServerWith(t, 10*time.Second, sessionOptions{AckTimeout: 100 * time.Millisecond}, gate, yard)
	c := s.dial(t)
	c.subscribe("gate", "")
	c.subscribe("yard", "")
	gate.publish(10)
	c.expectStream("gate", "preview", "")
	c.expectFrame("gate", 1)
	_, _, err := c.conn.Read(c.ctx)
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), "camera gate") {
		t.Errorf("%v", err)
	}
	s.sessions.Wait()
	s.waitForViewers(t, gate, "preview", 0)
	s.waitForViewers(t, yard, "preview", 0)
	if cut := s.viewers.Stats().Cut; cut[[2]string{"gate", viewers.CutStalled}] != 1 || cut[[2]string{"yard", viewers.CutStalled}] != 1 {
		t.Errorf("cut: %v", cut)
	}
}

// A client that reads nothing is disconnected when a message takes too long.
func TestClientThatReadsNothingIsCut(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServerWith(t, 200*time.Millisecond, sessionOptions{}, gate)
	c := s.dial(t)
	c.subscribe("gate", "")
	gate.publish(32 << 20) // more than the kernel takes for both ends
	s.waitForViewers(t, gate, "preview", 0)
	s.sessions.Wait()
	if n := s.viewers.Stats().Cut[[2]string{"gate", viewers.CutStalled}]; n != 1 || s.totals("gate", "preview").Sent != 0 {
		t.Errorf("%d cut after %d pictures", n, s.totals("gate", "preview").Sent)
	}
}

// A client that keeps taking bytes is not disconnected, however long a picture takes.
func TestSlowClientIsNotCut(t *testing.T) {
	const timeout, size, portion = 2 * time.Second, 4 << 20, 32 << 10
	synctest.Test(t, func(t *testing.T) {
		gate := newTestCamera("gate")
		s, options := newPipedServer(t, timeout, sessionOptions{}, gate)
		c := s.dialWith(t, options)
		c.subscribe("gate", "")
		gate.publish(size)
		link := time.NewTicker(4 * timeout * portion / size) // a picture takes four times the timeout
		defer link.Stop()
		c.expectStream("gate", "preview", "")
		got, start := 0, time.Now()
		var err error
		for got < size && err == nil {
			var r io.Reader
			if _, r, err = c.conn.Reader(c.ctx); err != nil {
				break
			}
			var n int
			n, err = io.ReadFull(r, make([]byte, portion))
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			got += n - headerLength
			_, _ = io.Copy(io.Discard, r)
			<-link.C
		}
		if took := time.Since(start); err != nil || took < 3*timeout {
			t.Errorf("the client got %d bytes in %v, then %v", got, took, err)
		}
	})
}

// Shutdown does not wait for a client that takes nothing.
func TestShutdownDoesNotWaitForStalledClient(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServerWith(t, time.Hour, sessionOptions{Stopping: func() bool { return true }}, gate)
	c := s.dial(t)
	c.subscribe("gate", "")
	gate.publish(32 << 20)
	c.expectStream("gate", "preview", "")
	c.readPieces(1)
	s.stop()
	s.sessions.Wait()
	if n := s.viewers.Stats().Cut[[2]string{"gate", viewers.CutShutdown}]; n != 1 || s.viewers.Count() != 0 || s.totals("gate", "preview").Sent != 0 {
		t.Errorf("%d disconnected, %d left, %d pictures", n, s.viewers.Count(), s.totals("gate", "preview").Sent)
	}
}

// Nor for one that does not answer the close frame.
func TestShutdownDoesNotWaitForACloseFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTestCamera("gate")
		s, options := newPipedServer(t, time.Hour, sessionOptions{AckTimeout: time.Second}, gate)
		c := s.dialWith(t, options)
		c.subscribe("gate", "")
		gate.publish(10)
		c.expectStream("gate", "preview", "")
		c.expectFrame("gate", 1)
		time.Sleep(3 * time.Second) // it is being disconnected
		start := time.Now()
		s.stop()
		s.sessions.Wait()
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited for %v", waited)
		}
	})
}

// A client that sends too many messages is disconnected. Acknowledgements of new frames do not count.
func TestFloodIsCut(t *testing.T) {
	const frames = messageBurst + messageBurst/2
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }, func(p *pipedTest) {
		format := &broker.Format{Codec: "h264", CodecString: "avc1.64001e", Init: []byte("init")}
		for i := range frames {
			p.cameras["gate"].named("video").Publish(broker.Frame{Key: i == 0, Format: format, Data: []byte("unit")})
		}
		p.hello()
		p.watch("gate", "full")
		st, got := p.takeStream(0, "video", "")
		if len(got) != frames {
			t.Fatalf("got %d frames", len(got))
		}
		for _, f := range got {
			p.ack(st.Stream, f.seq)
		}
		p.client.send(clientMessage{Type: "subscribe", Camera: "shed"})
		if got := p.take(round); len(got) != 1 || got[0].notice.Type != "error" {
			t.Fatalf("after all acknowledgements: %+v", got)
		}
		sent := 0
		for p.conn.Write(p.ctx, websocket.MessageText, []byte(`{"type":"ack"}`)) == nil {
			sent++
		}
		p.sessions.Wait()
		if sent < messageBurst/2 || sent > 2*messageBurst || p.viewers.Count() != 0 {
			t.Errorf("cut after %d messages, %d viewers", sent, p.viewers.Count())
		}
	})
}
