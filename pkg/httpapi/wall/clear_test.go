package wall

import (
	"slices"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// Somebody turns a camera off: the client removes its pictures at once, and gets none of those that were queued.
func TestTurnedOffCameraIsCleared(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate"), newTestCamera("yard")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "full")
		p.play(gate, map[string]*video{"video": v}, 5, true)
		gate.send("video", v, 3)
		gate.turnOff()
		gate.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("off")})
		all := p.take(round)
		if len(all) != 3 || all[0].notice == nil || *all[0].notice != (serverMessage{Type: "clear", Camera: "gate"}) ||
			all[1].stream == nil || all[1].stream.Reason != "camera" || all[2].frame == nil || all[2].frame.flags != flagPlaceholder|flagKey {
			t.Fatalf("got %+v", all)
		}
		if got := p.take(5 * time.Second); len(got) > 0 {
			t.Errorf("then %+v", got)
		}
		gate.set(camera.Live)
		v.next = 0
		st, frames := p.takeAfter(func() { gate.send("video", v, 2) })
		if st.Track != "video" || st.Reason != "" || len(frames) != 2 || frames[0].flags&flagKey == 0 {
			t.Errorf("turned on: %+v %+v", st, frames)
		}
	})
}

// The pictures of a camera that is turned off are withdrawn before its state changes. The client does not wait for the next review.
func TestClearPrecedesTheState(t *testing.T) {
	v := newVideo(t, clip)
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "full")
		p.play(gate, map[string]*video{"video": v}, 5, true)
		for _, topic := range gate.topics {
			topic.Withdraw()
		}
		if got := p.take(round); len(got) != 1 || got[0].notice == nil || got[0].notice.Type != "clear" {
			t.Fatalf("got %+v", got)
		}
		gate.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("off")})
		gate.set(camera.Paused)
		if _, frames := p.takeStream(round, "main", "camera"); len(frames) != 1 {
			t.Errorf("%+v", frames)
		}
	})
}

// A frame that is being sent when the camera is turned off ends in the middle.
func TestClearEndsAnUnfinishedFrame(t *testing.T) {
	gate := newTestCamera("gate")
	s := newTestServer(t, gate)
	c := s.dial(t)
	c.subscribe("gate", "")
	gate.publish(32 << 20)
	before := c.expectStream("gate", "preview", "")
	c.readPieces(3)
	gate.turnOff()
	for {
		m := c.read()
		switch {
		case m.frame != nil:
			t.Fatalf("the frame goes on to its end")
		case m.notice != nil && m.notice.Type == "clear" && m.notice.Camera == "gate":
			st := c.expectStream("gate", "preview", "")
			if f := c.readFrame(); string(f.data) != "off" || f.flags != flagPlaceholder|flagKey || st.Stream == before.Stream {
				t.Errorf("%+v of %+v", f, st)
			}
			return
		default:
			t.Fatalf("%+v %+v", m.notice, m.stream)
		}
	}
}

// turnOff does what a camera does that somebody turns off.
func (c *testCamera) turnOff() {
	for _, topic := range c.topics {
		topic.Withdraw()
	}
	c.set("paused")
	c.named("preview").Publish(broker.Frame{Key: true, Placeholder: true, Wire: []byte("off"), Data: []byte("off")})
}

// A camera is turned off while the client is paused, and still has its last picture: the client removes it soon, and does so once.
func TestPausedClientIsCleared(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate"), newTestCamera("yard")} }
	isClear := func(m message) bool {
		return m.notice != nil && *m.notice == serverMessage{Type: "clear", Camera: "gate"}
	}
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "full")
		p.watch("yard", "full")
		p.play(gate, map[string]*video{"video": v}, 5, true)
		p.client.send(clientMessage{Type: "pause"})
		p.take(round)
		gate.turnOff()
		if got := p.take(15 * time.Second); !slices.ContainsFunc(got, isClear) {
			t.Errorf("a paused client gets %+v", got)
		}
		gate.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("off")})
		p.client.send(clientMessage{Type: "resume"})
		if got := p.take(round); len(got) != 2 || got[0].stream == nil || got[1].frame == nil {
			t.Errorf("it continues with %+v", got)
		}
		p.client.send(clientMessage{Type: "pause"})
		p.take(round)
		gate.turnOff()
		gate.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("off")})
		p.client.send(clientMessage{Type: "resume"})
		if got := p.take(round); len(got) != 3 || !isClear(got[0]) {
			t.Errorf("after a short time it continues with %+v", got)
		}
	})
}

// A camera is turned off while its client changes the track, or while it is paused. The client removes the old pictures all the same.
func TestChangeOfTrackDoesNotLoseClear(t *testing.T) {
	for name, change := range map[string]func(*pipedTest){
		"view":   func(p *pipedTest) { p.client.send(clientMessage{Type: "subscribe", Camera: "gate", View: "grid"}) },
		"failed": func(p *pipedTest) { p.client.send(clientMessage{Type: "failed", Stream: 1}) },
		"hello":  func(p *pipedTest) { p.client.send(clientMessage{Type: "hello"}) },
		"pause": func(p *pipedTest) {
			p.client.send(clientMessage{Type: "pause"})
			p.client.send(clientMessage{Type: "subscribe", Camera: "gate", View: "grid"})
			p.client.send(clientMessage{Type: "resume"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVideo(t, clip)
			testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate", "sub")} }, func(p *pipedTest) {
				gate := p.cameras["gate"]
				p.hello()
				p.watch("gate", "full")
				p.play(gate, map[string]*video{"video": v}, 5, true)
				for _, topic := range gate.topics {
					topic.Withdraw()
				}
				change(p)
				notices, _, _ := p.takeSorted(round)
				clears := 0
				for _, n := range notices {
					if n.Type == "clear" && n.Camera == "gate" {
						clears++
					}
				}
				if clears != 1 {
					t.Errorf("got %+v, want one clear", notices)
				}
			})
		})
	}
}
