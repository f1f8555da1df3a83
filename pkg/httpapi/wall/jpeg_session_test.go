package wall

import (
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
)

func TestClientGetsNewestJPEGsAsItAcknowledges(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	c.subscribe("gate", "")
	st := streamMessage{}
	for seq := uint64(1); seq <= maxUnackedJPEGs; seq++ {
		gate.publish(1000)
		if seq == 1 {
			st = c.expectStream("gate", "preview", "")
		}
		f := c.expectFrame("gate", seq)
		if f.flags != flagKey || f.taken != 1234567 || len(f.data) != 1000 || st.Codec != "jpeg" {
			t.Errorf("%+v", f)
		}
	}
	for range 7 { // it has acknowledged nothing
		gate.publish(1000)
	}
	c.send(clientMessage{Type: "nonsense"})
	if n := c.readNotice(); n.Type != "error" {
		t.Fatalf("%+v", n) // and no picture
	}
	c.ack(st.Stream, 1)
	c.expectFrame("gate", maxUnackedJPEGs+7)
	c.send(clientMessage{Type: "unsubscribe", Camera: "gate"})
	c.readNotice()
	s.waitForViewers(t, gate, "preview", 0)
	if n := s.totals("gate", "preview"); n.Sent != maxUnackedJPEGs+1 || n.Late != 6 {
		t.Errorf("%+v", n)
	}
}

func TestViewChoosesTheRendition(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	gate.publish(10)
	gate.publishIn("main", 20)
	c.subscribe("gate", "grid")
	first := c.expectStream("gate", "preview", "")
	c.expectFrame("gate", 1)
	c.subscribe("gate", "full")
	second := c.expectStream("gate", "main", "")
	if f := c.expectFrame("gate", 1); len(f.data) != 20 || second.Stream == first.Stream {
		t.Errorf("%+v of %+v", f, second)
	}
	s.waitForViewers(t, gate, "preview", 0)
	s.waitForViewers(t, gate, "main", 1)
	c.subscribe("gate", "full") // it gets a stream again, for another element of its page
	if third := c.expectStream("gate", "main", ""); third.Stream == second.Stream {
		t.Errorf("%+v", third)
	}
}

func TestOneAckCoversSeveralCameras(t *testing.T) {
	gate, yard := newTestCamera("gate"), newTestCamera("yard")
	s := newTestServer(t, gate, yard)
	c := s.dial(t)
	numbers := map[*testCamera]uint16{}
	for _, cam := range []*testCamera{gate, yard} {
		c.subscribe(cam.id, "")
		for seq := uint64(1); seq <= maxUnackedJPEGs; seq++ {
			cam.publish(10)
			if seq == 1 {
				numbers[cam] = c.expectStream(cam.id, "preview", "").Stream
			}
			c.expectFrame(cam.id, seq)
		}
	}
	c.send(clientMessage{Type: "ack", Seen: map[uint16]uint64{numbers[gate]: 1, numbers[yard]: 2, 99: 3}})
	gate.publish(10)
	c.expectFrame("gate", maxUnackedJPEGs+1)
	yard.publish(10)
	c.expectFrame("yard", maxUnackedJPEGs+1)
}

// A camera with many large pictures takes turns with the others.
func TestLargeFramesDoNotStarveOtherCameras(t *testing.T) {
	big, small := newTestCamera("big"), newTestCamera("small")
	s := newTestServer(t, big, small)
	c := s.dial(t)
	c.subscribe("big", "")
	c.subscribe("small", "")
	stop := make(chan struct{})
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				big.publish(1 << 20)
				small.publish(100)
				time.Sleep(time.Millisecond)
			}
		}
	})
	got := map[string]int{}
	for got["big"] < 30 {
		m := c.read()
		if m.frame == nil {
			continue
		}
		camera := c.streams[m.frame.stream].Camera
		if camera == "big" != (len(m.frame.data) == 1<<20) {
			t.Errorf("%s of %d bytes", camera, len(m.frame.data))
		}
		got[camera]++
		c.ack(m.frame.stream, m.frame.seq)
	}
	close(stop)
	publisher.Wait()
	if got["small"] < 25 {
		t.Errorf("got %v: the big camera starves the small one", got)
	}
}

// The pieces of a large frame let those of other cameras through: a frame that comes while a large one is being sent does not wait for its
// end.
func TestPiecesOfCamerasTakeTurns(t *testing.T) {
	big, small, other := newTestCamera("big"), newTestCamera("small"), newTestCamera("other")
	s := newTestServer(t, big, small, other)
	c := s.dial(t)
	for _, cam := range []*testCamera{big, small, other} {
		c.subscribe(cam.id, "")
	}
	big.publish(12 << 20) // more than the kernel takes for both ends
	c.expectStream("big", "preview", "")
	c.readPieces(3)
	small.publish(100_000)
	other.publish(100)
	c.expectStream("small", "preview", "")
	c.expectStream("other", "preview", "")
	if f := c.readFrame(); len(f.data) != 100 {
		t.Errorf("got a frame of %d bytes", len(f.data))
	}
	f := c.readFrame()
	incomplete := c.incompleteOf("big")
	if len(f.data) != 100_000 || f.pieces != 4 || incomplete == nil {
		t.Fatalf("got a frame of %d bytes in %d pieces", len(f.data), f.pieces)
	}
	if whole := c.expectFrame("big", 1); whole.pieces != (12<<20)/(maxPiece-headerLength)+1 {
		t.Errorf("the large frame came in %d pieces", whole.pieces)
	}
}

// readPieces reads binary messages of incomplete frames.
func (c *client) readPieces(n int) {
	c.t.Helper()
	for range n {
		kind, b, err := c.conn.Read(c.ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		if m, bad := c.parse(kind, b); bad != "" || m != (message{}) {
			c.t.Fatalf("%s %+v", bad, m)
		}
	}
}

// incompleteOf returns the incomplete frame of a camera.
func (c *client) incompleteOf(camera string) *receivedFrame {
	for number, f := range c.frames {
		if c.streams[number].Camera == camera {
			return f
		}
	}
	return nil
}

func TestPausedClientHasNoSubscriptions(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	c.subscribe("gate", "")
	s.waitForViewers(t, gate, "preview", 1)
	c.send(clientMessage{Type: "pause"})
	s.waitForViewers(t, gate, "preview", 0)
	gate.publish(10)
	gate.publish(10)
	c.send(clientMessage{Type: "resume"})
	c.expectStream("gate", "preview", "")
	c.expectFrame("gate", 2)
}

// A camera that is removed is unsubscribed and its stream is left. It can be joined again. The other cameras continue.
func TestEndedStreamUnsubscribesAndCanBeJoinedAgain(t *testing.T) {
	gate, yard := newTestCamera("gate"), newTestCamera("yard")
	s := newTestServer(t, gate, yard)
	c := s.dial(t)
	c.subscribe("gate", "")
	c.subscribe("yard", "")
	s.setCamera("gate", nil)
	for _, topic := range gate.topics {
		topic.End()
	}
	if n := c.readNotice(); n.Type != "unsubscribed" || n.Camera != "gate" || n.Message == "" {
		t.Errorf("%+v", n)
	}
	s.waitForViewers(t, gate, "preview", 0)
	if n := s.viewers.Stats().Cut[[2]string{"gate", "removed"}]; n != 1 {
		t.Errorf("%d cut because the camera was removed", n)
	}
	yard.publish(10)
	c.expectStream("yard", "preview", "")
	c.expectFrame("yard", 1)
	gate = newTestCamera("gate")
	s.setCamera("gate", gate)
	c.subscribe("gate", "")
	gate.publish(10)
	c.expectStream("gate", "preview", "")
	c.expectFrame("gate", 1)
}

// A track that ends while the camera stays, because of a change of the configuration, makes room for another one.
func TestEndedTrackChangesTheTrack(t *testing.T) {
	gate := newVideoCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	c.send(clientMessage{Type: "hello", Decodes: []string{"avc1.640033"}})
	c.subscribe("gate", "full")
	gate.publishIn("main", 10)
	gate.mu.Lock()
	ended := gate.topics["video"]
	delete(gate.topics, "video")
	gate.mu.Unlock()
	ended.End()
	c.expectStream("gate", "main", "")
	c.expectFrame("gate", 1)
	s.waitForViewers(t, gate, "main", 1)
	added := broker.NewTopic("video", broker.VideoOptions())
	added.Publish(newVideo(t, clip).take(1)[0])
	gate.mu.Lock()
	gate.topics["video"] = added
	gate.mu.Unlock()
	c.expectStream("gate", "video", "")
}
