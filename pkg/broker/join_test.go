package broker

import (
	"sync"
	"testing"
)

// TestNoJoiningReaderMissesAKeyframe joins while keyframes are published. All but the newest have expired. A reader that finds
// no keyframe must start before any that has not expired, because the next one may come much later. It fails if Publish moves the head
// before the newest keyframe.
func TestNoJoiningReaderMissesAKeyframe(t *testing.T) {
	const frames = 800000
	topic := NewTopic("camera", Options{})
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for n := range frames {
			topic.Publish(Frame{Key: true})
			spin(n % 8)
			topic.Expire()
		}
	})
	defer publisher.Wait()
	for topic.Published() < frames {
		if head := topic.head.Load(); topic.newestKey.Load() < head {
			t.Fatalf("keyframe %d is the head, and not yet the newest keyframe", head)
		}
		start, r := topic.join()
		if expired := topic.expired.Load(); r.catchUpTo == 0 && expired < start {
			t.Fatalf("a reader starts after keyframe %d, although only the keyframes up to %d have expired", start, expired)
		}
	}
}

// A keyframe has its slot, and is the newest keyframe, but is not yet the head. A reader that joins starts with it, and gets it once.
func TestReaderJoinsAtAKeyframeThatIsAboutToBecomeTheHead(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	publishGroups(topic, "K.")
	beginPublish(topic)
	topic.newestKey.Store(3)
	s := topic.Subscribe(Decodable)
	if f := s.TryNext(); f != nil {
		t.Errorf("got %+v before it was published", f)
	}
	topic.head.Store(3)
	publishGroups(topic, ".")
	if got := readSeqs(s); len(got) != 2 || got[0] != 3 || got[1] != 4 {
		t.Errorf("got %v, want 3 and 4", got)
	}
	if got, want := s.Stats(), (Stats{Received: 2}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// A reader has read the head. More is published before it looks for a keyframe. It must miss no keyframe after that head, whether it finds
// the newest one or none.
func TestReaderJoinsAfterTheHeadThatItHasRead(t *testing.T) {
	for what, want := range map[string]uint64{"K.": 2, "..": 2, ".K.": 3, ".....": 2} {
		topic := NewTopic("camera", Options{Depth: 4})
		publishGroups(topic, "..")
		head := topic.head.Load()
		publishGroups(topic, what)
		start, r := topic.joinAfter(head)
		if isJoined := r.catchUpTo == topic.Published(); start != want || isJoined != topic.Joinable() {
			t.Errorf("%s: starts after %d, want %d; catches up to %d", what, start, want, r.catchUpTo)
		}
	}
}

// A late reader skips to a keyframe that is not yet the head.
func TestReaderSkipsToAKeyframeThatIsAboutToBecomeTheHead(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4})
	publishGroups(topic, "K..")
	s := topic.Subscribe(Decodable)
	topic.newestKey.Store(4)
	s.cursor = 1
	s.skipToNewestKeyframe()
	if f := s.TryNext(); f != nil || s.cursor != 3 || s.Stats() != (Stats{Dropped: Drops{Resync: 2}}) {
		t.Errorf("got %+v at %d, counted %+v", f, s.cursor, s.Stats())
	}
	publishGroups(topic, "K")
	if f := s.TryNext(); f == nil || f.Seq != 4 {
		t.Errorf("got %+v, want frame 4", f)
	}
}

func TestJoinable(t *testing.T) {
	topic := NewTopic("camera", Options{Depth: 4, Groups: 2})
	check := func(what string, want bool) {
		t.Helper()
		if topic.Joinable() != want {
			t.Errorf("%s: joinable %v", what, !want)
		}
	}
	check("an empty topic", false)
	publishGroups(topic, "..")
	check("no keyframe", false)
	publishGroups(topic, "K...")
	check("the keyframe is the oldest frame in the ring", true)
	publishGroups(topic, ".")
	check("the keyframe was overwritten", false)
	publishGroups(topic, "K")
	check("a new keyframe", true)
	topic.Expire()
	check("it has expired", false)
	publishGroups(topic, ".")
	check("a frame that needs the expired keyframe", false)
	publishGroups(topic, "K")
	check("a new keyframe after Expire", true)
	topic.Withdraw()
	check("it was withdrawn", false)
}
