package broker

import (
	"testing"
	"testing/synctest"
	"time"
)

// rateStep changes a topic's subscriptions, and has the demand afterwards.
type rateStep struct {
	what string
	do   func(*readers)
	want Demand
}

// readers are the open subscriptions of a topic, by name.
type readers struct {
	topic *Topic
	open  map[string]*Subscription
}

func join(name string, period time.Duration) func(*readers) {
	return func(r *readers) { r.open[name] = r.topic.SubscribeEvery(Latest, period) }
}

func leave(name string) func(*readers) { return func(r *readers) { r.open[name].Close() } }

func change(name string, period time.Duration) func(*readers) {
	return func(r *readers) { r.open[name].SetPeriod(period) }
}

func wait(d time.Duration) func(*readers) { return func(*readers) { time.Sleep(d) } }

func TestDemandHasAPeriod(t *testing.T) {
	every := func(period time.Duration) Demand { return Demand{Wanted: true, Frames: true, Period: period} }
	nobody, noFrames := Demand{}, Demand{Wanted: true}
	tests := []struct {
		name   string
		linger time.Duration
		steps  []rateStep
	}{
		{"the shortest period counts", 0, []rateStep{
			{"slow", join("slow", 10*time.Second), every(10 * time.Second)},
			{"faster", join("faster", time.Second), every(time.Second)},
			{"full rate", join("full", 0), every(0)},
			{"between", join("between", 5*time.Second), every(0)},
			{"full rate left", leave("full"), every(time.Second)},
			{"faster left", leave("faster"), every(5 * time.Second)},
			{"between left", leave("between"), every(10 * time.Second)},
			{"slow left", leave("slow"), nobody},
		}},
		{"readers of one period are counted", 0, []rateStep{
			{"first", join("first", time.Second), every(time.Second)},
			{"second", join("second", time.Second), every(time.Second)},
			{"first left", leave("first"), every(time.Second)},
			{"first left again", leave("first"), every(time.Second)},
			{"second left", leave("second"), nobody},
		}},
		{"a period changes", 0, []rateStep{
			{"a", join("a", time.Second), every(time.Second)},
			{"b", join("b", 3*time.Second), every(time.Second)},
			{"a is slower", change("a", 4*time.Second), every(3 * time.Second)},
			{"b is faster", change("b", time.Millisecond), every(time.Millisecond)},
			{"a left", leave("a"), every(time.Millisecond)},
			{"a has left", change("a", 0), every(time.Millisecond)},
			{"b takes what is there", change("b", Never), nobody},
			{"b left", leave("b"), nobody},
		}},
		{"one that never wants a frame", 5 * time.Second, []rateStep{
			{"never", join("never", Never), nobody},
			{"slow", join("slow", time.Second), every(time.Second)},
			{"never left", leave("never"), every(time.Second)},
			{"slow left", leave("slow"), every(time.Second)},
			{"never again, and left", func(r *readers) { join("never", Never)(r); leave("never")(r) }, every(time.Second)},
			{"later", wait(5 * time.Second), nobody},
		}},
		{"a single frame is wanted soon", 5 * time.Second, []rateStep{
			{"snapshot", join("snapshot", One), every(0)},
			{"it has its frame", leave("snapshot"), noFrames},
			{"just before", wait(5*time.Second - 1), noFrames},
			{"just after", wait(1), nobody},
			{"slow", join("slow", 10*time.Second), every(10 * time.Second)},
			{"snapshot beside it", join("snapshot", One), every(0)},
			{"it has its frame", leave("snapshot"), every(10 * time.Second)},
		}},
		{"a poll after a viewer has left", 5 * time.Second, []rateStep{
			{"viewer", join("viewer", 0), every(0)},
			{"left", leave("viewer"), every(0)},
			{"a poll at 4 s", func(r *readers) { wait(4 * time.Second)(r); join("poll", One)(r) }, every(0)},
			{"it has its frame", leave("poll"), every(0)},
			{"5 s after the viewer", wait(time.Second), noFrames},
			{"a poll at 8 s", func(r *readers) { wait(3 * time.Second)(r); join("poll", One)(r) }, every(0)},
			{"it has its frame", leave("poll"), noFrames},
			{"a poll at 12 s", func(r *readers) { wait(4 * time.Second)(r); join("poll", One)(r); leave("poll")(r) }, noFrames},
			{"5 s after it", wait(5 * time.Second), nobody},
		}},
		{"a viewer leaves during a poll", 5 * time.Second, []rateStep{
			{"viewer", join("viewer", 2*time.Second), every(2 * time.Second)},
			{"poll", join("poll", One), every(0)},
			{"the viewer left", leave("viewer"), every(0)},
			{"the poll has its frame", leave("poll"), every(2 * time.Second)},
			{"just before", wait(5*time.Second - 1), every(2 * time.Second)},
			{"just after the viewer, and the poll", wait(1), nobody},
		}},
		{"a reload beside a slow viewer", 5 * time.Second, []rateStep{
			{"slow", join("slow", 10*time.Second), every(10 * time.Second)},
			{"viewer", join("viewer", 0), every(0)},
			{"left", leave("viewer"), every(0)},
			{"back after 4 s", func(r *readers) { wait(4 * time.Second)(r); join("viewer", 0)(r) }, every(0)},
			{"when the first linger would end", wait(time.Second), every(0)},
			{"left", leave("viewer"), every(0)},
			{"just before", wait(5*time.Second - 1), every(0)},
			{"just after", wait(1), every(10 * time.Second)},
		}},
		{"old timers do not shorten a new linger", 5 * time.Second, []rateStep{
			{"viewer", join("viewer", 0), every(0)},
			{"left", leave("viewer"), every(0)},
			{"a glance at 3 s", func(r *readers) { wait(3 * time.Second)(r); join("viewer", 0)(r); leave("viewer")(r) }, every(0)},
			{"5 s after the first", wait(2 * time.Second), every(0)},
			{"just before", wait(3*time.Second - 1), every(0)},
			{"just after", wait(1), nobody},
		}},
		{"a slow viewer leaves after a fast one", 5 * time.Second, []rateStep{
			{"fast", join("fast", 0), every(0)},
			{"slow", join("slow", 2*time.Second), every(0)},
			{"fast left", leave("fast"), every(0)},
			{"slow left at 2 s", func(r *readers) { wait(2 * time.Second)(r); leave("slow")(r) }, every(0)},
			{"5 s after the fast one", wait(3 * time.Second), every(2 * time.Second)},
			{"5 s after the slow one", wait(2 * time.Second), nobody},
		}},
		{"a change to a longer period lingers", 5 * time.Second, []rateStep{
			{"sender", join("sender", 0), every(0)},
			{"its fast viewer left", change("sender", time.Second), every(0)},
			{"just before", wait(5*time.Second - 1), every(0)},
			{"just after", wait(1), every(time.Second)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &readers{NewTopic("camera", Options{Linger: tt.linger}), map[string]*Subscription{}}
				for _, s := range tt.steps {
					before := r.topic.Demand()
					s.do(r)
					synctest.Wait()
					got := r.topic.Demand()
					if got != s.want {
						t.Errorf("%s: %+v, want %+v", s.what, got, s.want)
					}
					select {
					case <-r.topic.DemandChanged():
					default:
						if got != before {
							t.Errorf("%s: %+v became %+v, and the publisher was not notified", s.what, before, got)
						}
					}
				}
			})
		})
	}
}
