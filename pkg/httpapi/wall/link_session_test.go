package wall

import (
	"slices"
	"testing"

	"camd/pkg/httpapi/request"
)

// A connection that carries too little gets the substream, and then a JPEG a second. When it carries more again, it gets the video back.
func TestSlowLinkChangesTheTrack(t *testing.T) {
	v, sub := newVideo(t, clip), newVideo(t, otherClip)
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate", "sub")} }, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "full")
		play := func(seconds int, acks bool) (all []message) {
			for range seconds {
				for range 5 {
					gate.publishIn("main", 100)
					all = append(all, p.play(gate, map[string]*video{"video": v, "sub": sub}, 5, acks)...)
				}
			}
			checkDecodable(t, framesOf(all))
			return all
		}
		all := play(20, false)
		want := [][2]string{{"video", ""}, {"sub", "link"}, {"main", "link"}}
		if got := streamsOf(all); !slices.Equal(got, want) {
			t.Fatalf("a client that acknowledges nothing gets %v, want %v", got, want)
		}
		frames := framesOf(all)
		jpegs := 0
		for _, f := range frames {
			if len(f.data) == 100 {
				jpegs++
			}
		}
		if jpegs != maxUnackedJPEGs {
			t.Errorf("it got %d JPEGs", jpegs)
		}
		last := frames[len(frames)-1]
		p.ack(last.stream, last.seq)
		jpegFrames := framesOf(play(10, true))
		if len(jpegFrames) < 9 || len(jpegFrames) > 11 {
			t.Errorf("it got %d JPEGs in ten seconds", len(jpegFrames))
		}
		want = [][2]string{{"sub", "link"}, {"video", ""}}
		if got := streamsOf(play(60, true)); !slices.Equal(got, want) {
			t.Errorf("a client that acknowledges again gets %v, want %v", got, want)
		}
		if n := p.viewers.Count(); n != 1 || p.connected("gate", "video") != 1 {
			t.Errorf("%d viewers, %d of video", n, p.connected("gate", "video"))
		}
		if n := p.totals("gate", "main"); n.Rate == 0 || n.Late != 0 {
			t.Errorf("JPEGs: %+v", n)
		}
	})
}

// A player may take a few seconds to start. What it misses until its first acknowledgement does not change the track.
func TestClientThatStartsSlowlyKeepsItsTrack(t *testing.T) {
	v, sub := newVideo(t, clip), newVideo(t, otherClip)
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate", "sub")} }, func(p *pipedTest) {
		gate, videos := p.cameras["gate"], map[string]*video{"video": v, "sub": sub}
		p.hello()
		p.watch("gate", "full")
		all := p.play(gate, videos, 4*25, false)
		frames := framesOf(all)
		last := frames[len(frames)-1]
		p.ack(last.stream, last.seq)
		all = append(all, p.play(gate, videos, 10*25, true)...)
		if got, want := streamsOf(all), [][2]string{{"video", ""}}; !slices.Equal(got, want) {
			t.Errorf("it gets %v, want %v", got, want)
		}
	})
}

// A limit of bytes per second leaves out frames so that the others can be decoded. It says nothing about the link.
func TestByteLimitLeavesOutFrames(t *testing.T) {
	v := newVideo(t, clip)
	rate := 0
	for _, f := range v.frames {
		rate += len(f.Wire)
	}
	rate = int(float64(rate) / v.length.Seconds() * 0.6)
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate", "sub")} }, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.limits = request.Limits{BytesPerSecond: int64(rate)}
		p.hello()
		p.watch("gate", "full")
		all := p.play(gate, map[string]*video{"video": v}, 20*gop, true)
		checkDecodable(t, framesOf(all))
		n := p.totals("gate", "video")
		if got := streamsOf(all); len(got) != 1 || n.OverLimit == 0 || n.Late+n.Resync+n.Lapped > 0 || n.Sent+n.OverLimit != 20*gop {
			t.Errorf("streams %v, %+v", got, n)
		}
	})
}

// Numbers of streams begin again at 1, and leave out those in use.
func TestStreamNumbersBeginAgain(t *testing.T) {
	testPiped(t, func() []*testCamera { return []*testCamera{newTestCamera("gate"), newTestCamera("yard")} }, func(p *pipedTest) {
		p.cameras["gate"].publish(1)
		p.cameras["yard"].publish(1)
		p.watch("yard", "grid")
		if st, _ := p.takeStream(0, "preview", ""); st.Stream != 1 {
			t.Errorf("%+v", st)
		}
		for number := uint16(2); number < 10; number++ {
			p.client.send(clientMessage{Type: "subscribe", Camera: "gate", View: "grid"})
			_, streams, frames := p.takeSorted(round)
			if len(streams) != 1 || len(frames) != 1 || streams[0].Stream != number {
				t.Fatalf("%+v %+v, want the number %d", streams, frames, number)
			}
		}
	})
	s := &session{streams: map[uint16]*subscription{1: {}, 65535: {}, 2: {}}, lastNumber: 65534}
	if n := s.nextNumber(); n != 3 {
		t.Errorf("after 65534 comes %d", n)
	}
}

// No goroutine and no timer works for a paused client, or one without cameras.
func TestPausedSessionDoesNotTick(t *testing.T) {
	s := newSession(t.Context(), nil, sessionOptions{})
	check := func(when string, want bool) {
		t.Helper()
		if s.updateTicking(); s.isTicking != want {
			t.Errorf("%s: ticks %v", when, s.isTicking)
		}
	}
	check("without cameras", false)
	s.turns = []*subscription{{}}
	check("with a camera", true)
	s.paused = true
	check("paused", false)
	s.paused, s.turns = false, nil
	check("without cameras again", false)
}
