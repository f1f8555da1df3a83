package broker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// publishGroups publishes a frame for each letter: K is a keyframe, a point a frame that others need, d a disposable frame, L a leading
// frame and l a disposable leading frame.
func publishGroups(t *Topic, frames string) {
	for _, kind := range frames {
		f := testFrame(t.Published() + 1)
		f.Key, f.Disposable, f.Leading = kind == 'K', kind == 'd' || kind == 'l', kind == 'L' || kind == 'l'
		t.Publish(f)
	}
}

func TestKeySeqIsWhereDecodingBegins(t *testing.T) {
	tests := []struct {
		frames string
		want   []uint64
	}{
		{"KKK", []uint64{1, 2, 3}},
		{"..K.d", []uint64{0, 0, 3, 3, 3}},
		{"K.KLl.", []uint64{1, 1, 3, 1, 1, 3}},
		{"LKLKL", []uint64{0, 2, 0, 4, 2}},
	}
	for _, groups := range []int{0, 1, 2, 5} {
		for _, tt := range tests {
			topic := NewTopic("camera", Options{Groups: groups})
			reader := 0
			for i, kind := range tt.frames {
				publishGroups(topic, string(kind))
				if f := topic.Newest(); f.KeySeq != tt.want[i] {
					t.Errorf("%s, %d groups: frame %d has the KeySeq %d, want %d", tt.frames, groups, i+1, f.KeySeq, tt.want[i])
				}
				reader++
			}
		}
	}
}

// decodableStep is what happens to a topic: frames are published, time passes, a reader reads up to that number of frames.
type decodableStep struct {
	frames string
	wait   time.Duration
	read   int
	want   []uint64
}

const all = 1000

func TestDecodableReaders(t *testing.T) {
	tests := []struct {
		name   string
		before string // published before Subscribe
		steps  []decodableStep
		want   Drops
	}{
		{"joins at the newest keyframe", "K..K..", []decodableStep{{read: all, want: []uint64{4, 5, 6}}}, Drops{}},
		{"waits for a keyframe if there is none", "...", []decodableStep{{frames: "..K.", read: all, want: []uint64{6, 7}}}, Drops{Resync: 2}},
		{"waits for a keyframe if the group is larger than the ring", "K........", []decodableStep{{frames: "..K.", read: all, want: []uint64{12, 13}}}, Drops{Resync: 2}},
		{"a joined keyframe is the oldest frame in the ring", "K.......", []decodableStep{{read: all, want: []uint64{1, 2, 3, 4, 5, 6, 7, 8}}}, Drops{}},
		{"leading frames need the keyframe before", "K.", []decodableStep{{frames: "KLl.", read: all, want: []uint64{1, 2, 3, 4, 5, 6}}}, Drops{}},
		{"leading frames after the joined keyframe", "K.KLl.", []decodableStep{{frames: "KL", read: all, want: []uint64{3, 6, 7, 8}}}, Drops{Resync: 2}},
		{"leading frames after the first keyframe", "", []decodableStep{{frames: "KL.", read: all, want: []uint64{1, 3}}}, Drops{Resync: 1}},
		{"lapped, and up to a keyframe", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: "........K.", read: all, want: []uint64{10, 11}},
		}, Drops{Lapped: 2, Resync: 6}},
		{"lapped disposable frames may not have been alone", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: "d........K", read: all, want: []uint64{11}},
		}, Drops{Lapped: 2, Resync: 7}},
		{"not late", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: "...", wait: LateAfter, read: all, want: []uint64{2, 3, 4}},
		}, Drops{}},
		{"late: disposable frames alone", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: "dd", wait: 1}, {frames: ".", wait: LateAfter, read: all, want: []uint64{4}},
		}, Drops{Late: 2}},
		{"late: up to the next keyframe", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: ".", wait: 1}, {frames: ".d.", wait: LateAfter, read: all},
			{frames: ".K.", read: all, want: []uint64{7, 8}},
		}, Drops{Late: 1, Resync: 4}},
		{"late: to the newest keyframe", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: ".", wait: 1}, {frames: ".K.K.", wait: LateAfter, read: all, want: []uint64{6, 7}},
		}, Drops{Late: 1, Resync: 3}},
		{"late: the next frame is the newest keyframe", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: ".", wait: 1}, {frames: "K.", wait: LateAfter, read: all, want: []uint64{3, 4}},
		}, Drops{Late: 1}},
		{"late: the newest keyframe too", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: ".K.", wait: 1}, {frames: ".", wait: LateAfter, read: all},
			{frames: "K", read: all, want: []uint64{6}},
		}, Drops{Late: 2, Resync: 2}},
		{"late: a leading frame of the run", "K", []decodableStep{
			{read: 1, want: []uint64{1}}, {frames: "KlL", wait: 1}, {frames: ".K", wait: LateAfter - 1, read: 1, want: []uint64{2}},
			{wait: 1, read: all, want: []uint64{6}},
		}, Drops{Late: 2, Resync: 1}},
		{"catch-up is not late for a while", "K.....", []decodableStep{
			{wait: CatchUp, read: 2, want: []uint64{1, 2}}, {frames: ".", wait: 1, read: all}, {frames: "K", read: all, want: []uint64{8}},
		}, Drops{Late: 1, Resync: 4}},
		{"what comes after the catch-up is late", "K.", []decodableStep{
			{frames: ".", wait: LateAfter + 1, read: all, want: []uint64{1, 2}}, {frames: "K", read: all, want: []uint64{4}},
		}, Drops{Late: 1}},
		{"an old keyframe can be joined", "K", []decodableStep{{read: all, want: []uint64{1}}, {frames: ".", read: all, want: []uint64{2}}}, Drops{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topic := NewTopic("camera", Options{Depth: 8})
				publishGroups(topic, tt.before)
				time.Sleep(time.Hour)
				s := topic.Subscribe(Decodable)
				defer s.Close()
				received := uint64(0)
				for i, step := range tt.steps {
					publishGroups(topic, step.frames)
					time.Sleep(step.wait)
					var got []uint64
					for len(got) < step.read {
						f := s.TryNext()
						if f == nil {
							break
						}
						got = append(got, f.Seq)
					}
					received += uint64(len(got))
					if !slices.Equal(got, step.want) {
						t.Errorf("step %d: got %v, want %v", i+1, got, step.want)
					}
				}
				if got, want := s.Stats(), (Stats{received, tt.want}); got != want {
					t.Errorf("counted %+v, want %+v", got, want)
				}
				if n := s.Stats(); n.Received+n.Dropped.Total() != topic.Published()-s.start {
					t.Errorf("%+v, but %d passed", n, topic.Published()-s.start)
				}
			})
		})
	}
}
