package wall

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"camd/pkg/broker"
)

// The first picture is there at once: the stream begins with the newest keyframe, and what follows it is to be decoded and not shown.
func TestVideoBeginsAtTheNewestKeyframe(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		sent := v.take(gop + 10)
		for _, f := range sent {
			gate.named("video").Publish(f)
		}
		p.hello()
		p.watch("gate", "full")
		st, frames := p.takeStream(0, "video", "")
		format := sent[0].Format
		if st.Codec != format.CodecString || st.Width != 320 || st.Height != 240 || !bytes.Equal(st.Init, format.Init) {
			t.Errorf("the stream is %+v", st)
		}
		if len(frames) != 10 {
			t.Fatalf("got %d frames", len(frames))
		}
		for i, f := range frames {
			want, flags := sent[gop+i], byte(0)
			if i == 0 {
				flags |= flagKey
			}
			if i < 9 {
				flags |= flagCatchUp
			}
			if f.seq != uint64(gop+i+1) || f.flags != flags || f.taken != uint64(want.Captured.UnixMicro()) || f.pts != want.PTS.Microseconds() ||
				int64(f.offset) != (want.PTS-want.DTS).Microseconds() || !bytes.Equal(f.data, want.Data) {
				t.Errorf("frame %d: %+v", i, f)
			}
		}
		p.ack(st.Stream, frames[9].seq)
		gate.send("video", v, 1)
		_, _, next := p.takeSorted(round)
		if len(next) != 1 || next[0].flags != 0 || next[0].seq != gop+11 {
			t.Errorf("a live frame: %+v", next)
		}
		if n := p.totals("gate", "video"); n.Sent != 11 || n.Dropped() != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A client that does not acknowledge gets no more frames after a second. Then it continues at a keyframe that is not old.
func TestVideoWaitsForAcknowledgements(t *testing.T) {
	testVideo(t, func(p *pipedTest, gate *testCamera, v *video) {
		frames := framesOf(p.play(gate, map[string]*video{"video": v}, 2*gop+5, false))
		if len(frames) < gop || len(frames) > gop+3 {
			t.Errorf("got %d frames in %d without an acknowledgement", len(frames), 2*gop+5)
		}
		p.ack(frames[0].stream, frames[len(frames)-1].seq)
		next := framesOf(p.take(round))
		if len(next) == 0 || next[0].seq != 2*gop+1 || next[0].flags&flagKey == 0 || len(next) != 5 {
			t.Errorf("it continues with %d frames: %+v", len(next), next)
		}
		checkDecodable(t, append(frames, next...))
		if n := p.totals("gate", "video"); n.Sent != uint64(len(frames)+len(next)) || n.Sent+n.Dropped() != 2*gop+5 || n.Late == 0 || n.Resync == 0 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestResumedVideoBeginsAtAKeyframe(t *testing.T) {
	testVideo(t, func(p *pipedTest, gate *testCamera, v *video) {
		first := p.play(gate, map[string]*video{"video": v}, 5, true)
		p.client.send(clientMessage{Type: "pause"})
		if got := p.play(gate, map[string]*video{"video": v}, gop, true); len(got) > 0 {
			t.Errorf("a paused client gets %+v", got)
		}
		if gate.named("video").Subscriptions() != 0 || p.viewers.Count() != 0 {
			t.Error("a paused client is a viewer")
		}
		p.client.send(clientMessage{Type: "resume"})
		st, frames := p.takeStream(round, "video", "")
		if len(frames) != 5 || frames[0].seq != gop+1 || st.Stream == first[0].stream.Stream {
			t.Errorf("stream %d continues with %+v", st.Stream, frames)
		}
		checkDecodable(t, frames)
	})
}

// takeAfter returns the stream and the frames of what the client gets after an action.
func (p *pipedTest) takeAfter(action func()) (streamMessage, []receivedFrame) {
	p.t.Helper()
	action()
	_, streams, frames := p.takeSorted(round)
	if len(streams) != 1 {
		p.t.Fatalf("got streams %+v", streams)
	}
	return streams[0], frames
}

// A change of the configuration makes a new stream, without any frame lost. One that the client cannot decode makes it JPEGs.
func TestFormatChangeBeginsAStream(t *testing.T) {
	v, other := newVideo(t, clip), newVideo(t, otherClip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "grid")
		first := p.play(gate, map[string]*video{"video": v}, 5, true)
		st, frames := p.takeAfter(func() { gate.send("video", other, 3) })
		if st.Stream == first[0].stream.Stream || st.Width != 160 || len(frames) != 3 || frames[0].seq != 6 || frames[2].stream != st.Stream {
			t.Errorf("%+v %+v", st, frames)
		}
		p.ack(st.Stream, 8)
		h265 := slices.Clone(other.frames)
		for i := range h265 {
			h265[i].Format = &broker.Format{Codec: "h265", CodecString: "hvc1.1.6.L93.B0", Width: 160, Height: 120, Init: []byte("init")}
		}
		gate.named("video").Publish(h265[0])
		gate.publish(100)
		if st, frames := p.takeAfter(func() {}); st.Track != "preview" || st.Codec != "jpeg" || st.Reason != "decoder" || len(frames) != 1 {
			t.Errorf("%+v %+v", st, frames)
		}
	})
}

func TestFailedDecoderChangesTheTrack(t *testing.T) {
	v, sub := newVideo(t, clip), newVideo(t, otherClip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate", "sub")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		gate.send("video", v, 3)
		gate.send("sub", sub, 3)
		gate.publishIn("main", 100)
		p.hello()
		p.watch("gate", "full")
		st, _ := p.takeStream(0, "video", "")
		p.client.send(clientMessage{Type: "failed", Stream: st.Stream})
		st, frames := p.takeStream(0, "sub", "decoder")
		checkDecodable(t, frames)
		if p.connected("gate", "sub") != 1 || p.viewers.Count() != 1 {
			t.Error("the registry does not have the new track")
		}
		p.client.send(clientMessage{Type: "failed", Stream: st.Stream})
		st, _ = p.takeStream(0, "main", "decoder")
		p.client.send(clientMessage{Type: "failed", Stream: st.Stream}) // there is no other track
		p.client.send(clientMessage{Type: "failed", Stream: 12345})
		if got := p.take(5 * time.Second); len(got) > 0 {
			t.Errorf("then %+v", got)
		}
		gate.send("video", v, 1) // the client says hello again while the camera is live
		p.hello()
		p.takeStream(round, "video", "")
		p.client.send(clientMessage{Type: "hello"})
		p.takeStream(round, "main", "decoder")
	})
}

// A connection that is always a little late shows a moving picture. Frames are left out of the display for a short time only.
func TestLateVideoIsShown(t *testing.T) {
	at := time.Now()
	topic := broker.NewTopic("gate", broker.VideoOptions())
	st := newStream(topic, choice{track: "video", isVideo: true}, 0, at)
	defer st.sub.Close()
	hidden := time.Duration(0)
	for i := range 100 {
		f := topic.Publish(broker.Frame{Key: true})
		topic.Publish(broker.Frame{}) // there is a newer one
		now := f.Published.Add(catchUpAfter * 2)
		if st.begin(f, now.Add(time.Duration(i)*40*time.Millisecond)); !st.isLate {
			hidden = 0
		} else if hidden += 40 * time.Millisecond; hidden > catchUpAfter+40*time.Millisecond {
			t.Fatalf("nothing is shown for %v", hidden)
		}
	}
}
