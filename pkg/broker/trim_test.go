package broker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// heldSeqs returns the Seqs of the frames in the ring, in order.
func heldSeqs(t *Topic) (held []uint64) {
	for i := range t.slots {
		if f := t.slots[i].Load(); f != nil {
			held = append(held, f.Seq)
		}
	}
	slices.Sort(held)
	return held
}

func TestRingHoldsTheNewestGroups(t *testing.T) {
	tests := []struct {
		groups int
		frames string
		want   []uint64
	}{
		{1, "K..", []uint64{1, 2, 3}},
		{1, "..", []uint64{1, 2}},
		{1, "..K", []uint64{3}},
		{1, "K..K.", []uint64{4, 5}},
		{2, "K..K.", []uint64{1, 2, 3, 4, 5}},
		{2, ".K..K.", []uint64{2, 3, 4, 5, 6}},
		{2, "K..K.K", []uint64{4, 5, 6}},
		{3, "K.K.K.K.", []uint64{3, 4, 5, 6, 7, 8}},
		{2, "K..K........", []uint64{5, 6, 7, 8, 9, 10, 11, 12}}, // the depth wins
		{0, "K..K.K", []uint64{1, 2, 3, 4, 5, 6}},
	}
	for _, tt := range tests {
		topic := NewTopic("camera", Options{Depth: 8, Groups: tt.groups})
		publishGroups(topic, tt.frames)
		if got := heldSeqs(topic); !slices.Equal(got, tt.want) {
			t.Errorf("%s, %d groups: holds %v, want %v", tt.frames, tt.groups, got, tt.want)
		}
		if want := int64(64 * len(tt.want)); topic.usage.held != want {
			t.Errorf("%s, %d groups: counts %d bytes, want %d", tt.frames, tt.groups, topic.usage.held, want)
		}
	}
}

func TestRingHoldsFramesUpToTheirMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := NewTopic("camera", Options{MaxAge: 10 * time.Second})
		check := func(what string, want ...uint64) {
			t.Helper()
			if got := heldSeqs(topic); !slices.Equal(got, want) {
				t.Errorf("%s: holds %v, want %v", what, got, want)
			}
		}
		publishGroups(topic, "K.")
		time.Sleep(5 * time.Second)
		publishGroups(topic, "K.")
		time.Sleep(5 * time.Second)
		publishGroups(topic, ".")
		check("as old as they may be", 1, 2, 3, 4, 5)
		time.Sleep(time.Nanosecond)
		topic.Trim()
		check("older, without a new frame", 3, 4, 5)
		time.Sleep(5 * time.Second)
		publishGroups(topic, ".")
		check("older, with a new frame", 5, 6)
		time.Sleep(time.Hour)
		topic.Trim()
		check("the newest stays", 6)
	})
}
