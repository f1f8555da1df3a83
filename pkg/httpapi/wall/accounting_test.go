package wall

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"camd/pkg/broker"
	"camd/pkg/httpapi/viewers"
)

// The frames before a change of the track count for the viewer that got them, also if all came in one round.
func TestFramesBeforeAChangeAreCounted(t *testing.T) {
	v, other := newVideo(t, clip), newVideo(t, otherClip)
	testPiped(t, func() []*testCamera { return []*testCamera{newVideoCamera("gate"), newVideoCamera("yard")} }, func(p *pipedTest) {
		gate := p.cameras["gate"]
		p.hello()
		p.watch("gate", "full")
		p.watch("yard", "full")
		p.play(gate, map[string]*video{"video": v}, 2, true)
		h265 := slices.Clone(other.frames[:1])
		h265[0].Format = &broker.Format{Codec: "h265", CodecString: "hvc1.1.6.L93.B0", Init: []byte("init")}
		gate.publishIn("main", 100)
		gate.send("video", v, 3)
		gate.named("video").Publish(h265[0])
		p.cameras["yard"].send("video", other, 2)
		_, streams, frames := p.takeSorted(round)
		if len(streams) != 2 || len(frames) != 6 {
			t.Errorf("got %+v, %d frames", streams, len(frames))
		}
		if n := p.totals("gate", "video"); n.Sent != 5 || n.Bytes == 0 {
			t.Errorf("video: %+v", n)
		}
		if n := p.totals("gate", "main"); n.Sent != 1 {
			t.Errorf("main: %+v", n)
		}
	})
}

// The announcements of streams count for the size of a batch. Else those of many cameras would make control frames fail, for which the
// room is bounded.
func TestBatchOfAnnouncementsIsBounded(t *testing.T) {
	const cameras = 200
	var list []*testCamera
	for i := range cameras {
		c := newVideoCamera(fmt.Sprint("c", i))
		c.named("video").Publish(broker.Frame{Key: true, Format: &broker.Format{CodecString: "avc1.64001e", Init: make([]byte, 4000)}, Data: []byte("unit")})
		list = append(list, c)
	}
	server, _ := buildTestServer(t, time.Minute, sessionOptions{}, list...)
	defer server.stop()
	decodes, _ := parseDecodes([]string{"avc1.640033"})
	w := &writeCounter{}
	conn := &Conn{batch: newBatchConn(&progressConn{Conn: w, timeout: time.Minute}), messages: newMessageLimiter()}
	s := newSession(t.Context(), conn, sessionOptions{Decodes: decodes, FindCamera: server.find, Viewers: server.viewers, NewViewer: func(k viewers.Key) *viewers.Viewer {
		return viewers.New(k, httptest.NewRequest("GET", "/", nil), false)
	}})
	defer s.tick.Stop()
	for _, c := range list {
		s.subscribe(c.id, viewFull)
	}
	if err := s.send(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, b := range w.writes {
		if total += len(b); len(b) > maxBatch+maxPiece {
			t.Errorf("a batch of %d bytes", len(b))
		}
	}
	if total < cameras*4000 {
		t.Errorf("%d bytes in all", total)
	}
}
