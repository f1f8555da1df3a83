package broker

import (
	"testing"
	"testing/synctest"
	"time"
)

// step changes a topic's subscriptions. It says whether the topic is wanted afterwards, and whether it has reported a change.
type step struct {
	what            string
	do              func(*Topic)
	wanted, changed bool
}

func TestDemandReportsFirstAndLastReader(t *testing.T) {
	var open []*Subscription
	join := func(t *Topic) { open = append(open, t.Subscribe(Latest)) }
	leave := func(t *Topic) { open[0].Close(); open = open[1:] }
	wait := func(d time.Duration) func(*Topic) { return func(*Topic) { time.Sleep(d) } }
	tests := []struct {
		name   string
		linger time.Duration
		steps  []step
	}{
		{"at once", 0, []step{
			{"nobody", func(*Topic) {}, false, false},
			{"0 to 1", join, true, true},
			{"1 to 2", join, true, false},
			{"2 to 1", leave, true, false},
			{"1 to 0", leave, false, true},
			{"0 to 1 again", join, true, true},
			{"0 to 1 to 0", leave, false, true},
		}},
		{"changes coalesce", 0, []step{
			{"come and go", func(t *Topic) { join(t); leave(t) }, false, true},
			{"come, go and come", func(t *Topic) { join(t); leave(t); join(t) }, true, true},
			{"leave", leave, false, true},
		}},
		{"lingers", 5 * time.Second, []step{
			{"come", join, true, true},
			{"leave", leave, true, false},
			{"just before", wait(5*time.Second - 1), true, false},
			{"just after", wait(1), false, true},
			{"long after", wait(time.Hour), false, false},
		}},
		{"a reload is no change", 5 * time.Second, []step{
			{"come", join, true, true},
			{"leave and be back in 4 s", func(t *Topic) { leave(t); wait(4 * time.Second)(t); join(t) }, true, false},
			{"stay", wait(time.Hour), true, false},
			{"leave", leave, true, false},
			{"just before", wait(5*time.Second - 1), true, false},
			{"just after", wait(1), false, true},
		}},
		{"every leaving begins again", 5 * time.Second, []step{
			{"come", join, true, true},
			{"leave", leave, true, false},
			{"a glance at 3 s", func(t *Topic) { wait(3 * time.Second)(t); join(t); leave(t) }, true, false},
			{"5 s after the first", wait(2 * time.Second), true, false},
			{"5 s after the second", wait(3 * time.Second), false, true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topic := NewTopic("camera", Options{Linger: tt.linger})
				for _, s := range tt.steps {
					s.do(topic)
					synctest.Wait()
					changed := false
					select {
					case <-topic.DemandChanged():
						changed = true
					default:
					}
					if topic.Wanted() != s.wanted || changed != s.changed {
						t.Errorf("%s: wanted %v, changed %v; want %v, %v", s.what, topic.Wanted(), changed, s.wanted, s.changed)
					}
				}
			})
		})
	}
}

func TestCloseIsIdempotent(t *testing.T) {
	topic := NewTopic("camera", Options{})
	first, second := topic.Subscribe(Latest), topic.Subscribe(InOrder)
	first.Close()
	first.Close()
	if got := topic.Subscriptions(); got != 1 || !topic.Wanted() {
		t.Errorf("%d subscriptions, wanted %v; want 1, true", got, topic.Wanted())
	}
	second.Close()
	if got := topic.Subscriptions(); got != 0 || topic.Wanted() {
		t.Errorf("%d subscriptions, wanted %v; want 0, false", got, topic.Wanted())
	}
}
