package bus

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"camd/internal/testrun"
	"camd/pkg/camera"
)

func TestFramesLargerThanAMessageGoInPieces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		maxPayload int32
		size       int
	}{{64 << 10, 63 << 10}, {64 << 10, 64 << 10}, {64 << 10, 1 << 20}, {1 << 20, 5 << 20}, {8 << 20, 5 << 20}} {
		url := startServer(t, func(o *server.Options) { o.MaxPayload, o.MaxPending = c.maxPayload, 64<<20 }).ClientURL()
		yard, _, relay := startPair(t, url, url)
		v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
		testrun.WaitFor(t, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
		want := yard.publish(c.size)
		if got := v.next(false); !bytes.Equal(got.Wire, want.Wire) {
			t.Errorf("max_payload %d: did not get the picture of %d bytes", c.maxPayload, len(want.Data))
		}
		testrun.WaitFor(t, "the counted frame", func() bool {
			s := receivedStream(relay, "north.yard", camera.Main)
			return s.Frames == 1 && s.Passed == 1
		})
	}
}

func TestFrameOfTooManyPiecesIsRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	url := startServer(t, func(o *server.Options) { o.MaxPayload = 4 << 10 }).ClientURL()
	yard, site, relay := startPair(t, url, url)
	v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(t, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
	yard.publish(1 << 20)
	testrun.WaitFor(t, "the refused frame", func() bool { return sentStream(site, "yard", camera.Main).Dropped[TooLarge] == 1 })
	if p := site.State().Problem; !strings.Contains(p, "max_payload") {
		t.Errorf("got problem %q, want it to name max_payload", p)
	}
	yard.publish(2000)
	v.next(false)
	if p := site.State().Problem; p != "" {
		t.Errorf("got problem %q after a picture that fits", p)
	}
}

func TestSplitFrameAndHeaderAgree(t *testing.T) {
	for _, c := range []struct{ n, maxPayload, pieces int }{
		{1, 1 << 20, 1}, {1<<20 - headerRoom, 1 << 20, 1}, {1<<20 - headerRoom + 1, 1 << 20, 2}, {MaxFrame, 1 << 20, 33},
		{1 << 20, 64 << 20, 1}, {1<<20 + 1, 64 << 20, 2},
	} {
		pieces, size, err := splitFrame(c.n, int64(c.maxPayload))
		if err != nil || pieces != c.pieces {
			t.Errorf("cut(%d, %d): got %d, %v, want %d pieces", c.n, c.maxPayload, pieces, err, c.pieces)
		}
		for i, rest := 1, c.n; i <= pieces; i++ {
			n := min(size, rest)
			rest -= n
			if err := (header{piece: i, pieces: pieces, bytes: c.n}).check(n); err != nil {
				t.Errorf("cut(%d, %d): piece %d of %d bytes: %v", c.n, c.maxPayload, i, n, err)
			}
		}
	}
	for _, c := range []struct{ n, maxPayload int }{{MaxFrame + 1, 1 << 20}, {1, headerRoom}, {1 << 20, 4 << 10}} {
		if _, _, err := splitFrame(c.n, int64(c.maxPayload)); err == nil {
			t.Errorf("cut(%d, %d): want an error", c.n, c.maxPayload)
		}
	}
}

// A piece is part of a message that may have large headers. The relay keeps only the piece while it waits for the others.
func TestWaitingPieceKeepsNothingOfItsMessage(t *testing.T) {
	message := make([]byte, 1<<20)
	u, j := &pendingPieces{refuse: func(string) {}}, &reassembler{}
	if !u.add(j, message[len(message)-1:]) {
		t.Fatal("the piece was refused")
	}
	if piece := j.parts[0]; &piece[0] == &message[len(message)-1] {
		t.Error("the piece keeps its message of 1 MiB")
	}
}
