package wall

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

// A client that sends faster than it is answered does not make the session keep more and more answers: it sends them after a few requests.
func TestAnswersAreSentBeforeMoreRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSession(t.Context(), &Conn{messages: newMessageLimiter()}, sessionOptions{})
		var readers sync.WaitGroup
		for range 10 * maxWaitingRequests {
			readers.Go(func() { s.requests <- clientRequest{clientMessage: clientMessage{Type: "nonsense"}} })
		}
		synctest.Wait()
		for handled := 0; handled < 10*maxWaitingRequests; handled += len(s.notices) {
			s.notices = s.notices[:0]
			if s.handleWaiting(); len(s.notices) == 0 || len(s.notices) > maxWaitingRequests {
				t.Fatalf("%d answers wait", len(s.notices))
			}
		}
		readers.Wait()
	})
}

// An answer does not repeat long texts of the client.
func TestAnswersAreShort(t *testing.T) {
	long := strings.Repeat("x", maxMessageBytes/2)
	testPiped(t, func() []*testCamera { return nil }, func(p *pipedTest) {
		for _, m := range []clientMessage{{Type: long}, {Type: "subscribe", Camera: long}, {Type: "subscribe", View: long}, {Type: "unsubscribe", Camera: long}} {
			p.client.send(m)
			got := p.take(round)
			if len(got) != 1 || got[0].notice == nil || len(got[0].notice.Camera)+len(got[0].notice.Message) > 300 {
				t.Errorf("%.20s %.20s: got %.400v", m.Type, m.Camera, got)
			}
		}
	})
}

// A message that changes all cameras counts as several, because the server does as much for it.
func TestMessagesForManyCamerasCountMore(t *testing.T) {
	const cameras = 2 * camerasPerMessage
	testPiped(t, func() (list []*testCamera) {
		for i := range cameras {
			list = append(list, newTestCamera(fmt.Sprint("c", i)))
		}
		return list
	}, func(p *pipedTest) {
		for id := range p.cameras {
			p.watch(id, "grid")
		}
		sent := 0
		for p.conn.Write(p.ctx, websocket.MessageText, []byte(`{"type":"hello"}`)) == nil {
			sent++
		}
		if want := (messageBurst - cameras) / 3; sent < want || sent > want+2*maxWaitingRequests {
			t.Errorf("cut after %d messages, want %d", sent, want)
		}
	})
}

// A client that acknowledges a picture gets the newest one at once.
func TestAcknowledgementLetsAPictureThrough(t *testing.T) {
	testPiped(t, func() []*testCamera { return []*testCamera{newTestCamera("gate")} }, func(p *pipedTest) {
		p.watch("gate", "grid")
		for range maxUnackedJPEGs + 1 {
			p.cameras["gate"].publish(10)
			p.take(round)
		}
		p.ack(1, 1)
		if got := p.take(0); len(got) != 1 || got[0].frame == nil || got[0].frame.seq != maxUnackedJPEGs+1 {
			t.Errorf("got %+v", got)
		}
	})
}
