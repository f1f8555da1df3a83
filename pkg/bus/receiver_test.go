package bus

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/source/placeholder"
)

// A frame beyond the limit is dropped with its first piece, and the state of a camera that sends only such frames says so.
func TestFramesBeyondTheLimitAreDropped(t *testing.T) {
	b, in := newTestReceiver(t)
	b.relay.limits.Bytes = 2000
	in.receivePiece(testPublisher, 5, testJPEG(1000), 1, 1)
	sub := in.topic.Subscribe(broker.Latest)
	defer sub.Close()
	in.updateSubscription(nil, time.Now().Add(-time.Hour)) // viewers have watched for an hour
	large := testJPEG(3000)
	for seq := uint64(6); seq < 9; seq++ {
		for piece := range 3 {
			in.receivePiece(testPublisher, seq, large, piece+1, 3)
		}
		if in.reassembler.parts != nil {
			t.Fatal("memory was allocated for a frame beyond the limit")
		}
	}
	in.receivePiece(testPublisher, 9, large, 1, 1)
	got := in.stats.stream()
	if got.Dropped[TooLarge] != 4 || got.Repeated != 0 || got.Frames != 1 || got.accountedFor() != got.Passed {
		t.Errorf("got %+v", got)
	}
	if refused := in.camera.Status().Counts.Refused[media.TooLarge]; refused != 4 {
		t.Errorf("the camera's status has %d refused, want 4", refused)
	}
	in.arrived = time.Now().Add(-time.Hour)
	now := in.camera.currentState(time.Now(), 0)
	if want := "pictures of 0.0 MB exceed limits.frame_bytes (1 KiB)"; now.State != camera.Stalled || now.Reason != camera.TooLarge || now.Detail != want {
		t.Errorf("the camera is %+v, want %q", now, want)
	}
	in.receivePiece(testPublisher, 10, testJPEG(1000), 1, 1)
	in.arrived = time.Now().Add(-time.Hour)
	if now := in.camera.currentState(time.Now(), 0); now.Reason != camera.Timeout {
		t.Errorf("after a frame within the limit the camera is %+v", now)
	}
}

// newTestReceiver returns a relay without a connection that knows one camera, and a receiver of that camera.
func newTestReceiver(t *testing.T) (*Bus, *receiver) {
	t.Helper()
	b, err := New(Options{URLs: []string{"nats://127.0.0.1"}, Relay: true})
	if err != nil {
		t.Fatal(err)
	}
	b.receiveNow(&nats.Msg{Subject: "camd.north", Data: []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"yard","state":"live","renditions":[{"name":"main"}]}]}`)})
	return b, b.relay.sites["north"].cameras["yard"].openReceiver(camera.Main)
}

// receivePiece gives a receiver a piece of a frame.
func (r *receiver) receivePiece(instance string, seq uint64, pic []byte, piece, pieces int) {
	h := frameHeader(&broker.Frame{Seq: seq, Captured: time.Now(), Format: media.NewJPEGFormat(32, 16), Data: pic}, instance+"/1", camera.Live, pieces)
	if pieces > 1 {
		h[headerPiece] = []string{strconv.Itoa(piece) + "/" + strconv.Itoa(pieces)}
	}
	size := pieceSize(len(pic), pieces)
	r.handleMessage(&nats.Msg{Header: h, Data: pic[(piece-1)*size : min(piece*size, len(pic))]})
}

func TestEachFrameIsCountedByOutcome(t *testing.T) {
	b, in := newTestReceiver(t)
	pic := testJPEG(1000)
	in.receivePiece(testPublisher, 5, pic, 1, 1)
	in.receivePiece(testPublisher, 6, pic, 1, 3)
	in.receivePiece(testPublisher, 6, pic, 2, 3) // the third piece never arrives
	in.receivePiece(testPublisher, 7, pic, 1, 2)
	in.receivePiece(testPublisher, 7, pic, 2, 2)
	in.receivePiece(testPublisher, 10, pic, 1, 1)      // 8 and 9 never arrive
	in.receivePiece(testPublisher, 11, pic[:50], 1, 1) // not a picture
	in.receivePiece(testPublisher, 12, pic, 2, 2)      // the first half was lost
	in.receivePiece(testPublisher, 13, pic, 1, 1)
	in.receivePiece(testPublisher, 13, pic, 1, 1) // repeated for another relay
	got := in.stats.stream()
	if got.Passed != 9 || got.Frames != 4 || got.Repeated != 1 || got.accountedFor() != 9 || got.Bytes != uint64(4*len(pic)) ||
		got.Dropped[Incomplete] != 1 || got.Dropped[Lost] != 3 || got.Dropped[media.Truncated] != 1 {
		t.Errorf("got %+v", got)
	}
	if n := in.topic.Published(); n != 4 {
		t.Errorf("viewers got %d frames, want 4", n)
	}
	b.receiveNow(&nats.Msg{Subject: "camd.north", Data: []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"yard","state":"paused","renditions":[{"name":"main"}]}]}`)})
	in.receivePiece(testPublisher, 14, pic, 1, 1)
	if f := in.topic.Newest(); f != nil || in.stats.stream().Dropped[CameraPaused] != 1 {
		t.Errorf("got %+v of a camera that is turned off", in.stats.stream())
	}
	in.receivePiece("ANOTHER012345678901234", 14, pic, 1, 1)
	if n := in.topic.Published(); n != 4 || b.State().Refused[WrongPublisher] != 1 {
		t.Errorf("viewers got %d frames, want 4 and none of another publisher; refused %v", n, b.State().Refused)
	}
}

// Pictures of another site have the same limits as those of a local camera.
func TestOversizedFramesOfOtherSitesAreRefused(t *testing.T) {
	_, in := newTestReceiver(t)
	huge := testJPEG(1000)
	at := bytes.Index(huge, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(huge[at+5:], 65500)
	binary.BigEndian.PutUint16(huge[at+7:], 65500)
	in.receivePiece(testPublisher, 1, huge, 1, 1)
	in.receivePiece(testPublisher, 2, testJPEG(media.DefaultLimits.Bytes+1), 1, 1)
	padded := slices.Concat([]byte{0xFF, 0xD8}, bytes.Repeat(append([]byte{0xFF, 0xFE, 0xFF, 0xFF}, make([]byte, 0xFFFD)...), 16), testJPEG(1000)[2:])
	in.receivePiece(testPublisher, 3, padded, 1, 1)
	if got := in.stats.stream(); got.Dropped[media.TooLarge] != 2 || got.Frames != 1 {
		t.Errorf("got %+v, want two frames refused and one shown", got)
	}
	if f := in.topic.Newest(); f == nil || !bytes.Equal(f.Data, testJPEG(1000)) {
		t.Error("viewers did not get the picture without its comments")
	}
}

// A camera that is turned off while its site cannot be reached leaves neither its last picture nor a placeholder that shows it.
func TestPauseReplacesThePlaceholderOfAnotherState(t *testing.T) {
	b, in := newTestReceiver(t)
	sub := in.topic.Subscribe(broker.InOrder)
	defer sub.Close()
	in.updateSubscription(nil, time.Now())
	in.receivePiece(testPublisher, 5, testJPEG(1000), 1, 1)
	in.camera.updateState(time.Now(), time.Minute) // without a connection
	in.camera.publishPlaceholders(time.Now())
	if s, f := in.camera.Status(), in.topic.Newest(); s.Reason != camera.Unreachable || !f.Placeholder {
		t.Fatalf("%s %s, placeholder %v", s.State, s.Reason, f.Placeholder)
	}
	b.receiveNow(&nats.Msg{Subject: "camd.north", Data: []byte(`{"v":2,"instance":"` + testPublisher + `","complete":true,"cameras":[{"id":"yard","state":"paused","renditions":[{"name":"main"}]}]}`)})
	s, frames := in.camera.Status(), 0
	for f := sub.TryNext(); f != nil; f = sub.TryNext() {
		frames++
		want := placeholder.Draw(placeholder.Options{Width: f.Format.Width, Height: f.Format.Height, Title: s.Title, State: camera.Paused, Since: s.Since})
		if !bytes.Equal(f.Data, want) {
			t.Errorf("frame %d is not the placeholder of a camera that is turned off", f.Seq)
		}
	}
	if withdrawn := sub.Stats().Dropped.Withdrawn; frames != 1 || withdrawn != 2 {
		t.Errorf("%d frames, %d withdrawn, want 1 and 2", frames, withdrawn)
	}
}

// receiveNow processes an announcement at once, as the goroutines of Run do together.
func (b *Bus) receiveNow(m *nats.Msg) {
	if _, admitted := b.admit(m, time.Now()); admitted {
		b.handleAnnouncement(m, time.Now())
	}
}
