package notify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"camd/pkg/camera"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// timeline is a camera's history up to a time.
type timeline []camera.StateChange

func (t timeline) historyAt(now time.Time) []camera.StateChange {
	n := sort.Search(len(t), func(i int) bool { return t[i].Since.After(now) })
	history := slices.Clone(t[max(0, n-100):n])
	slices.Reverse(history)
	return history
}

// parseTimeline reads "0 starting, 1 live, 20 offline unreachable".
func parseTimeline(t *testing.T, text string) (l timeline) {
	t.Helper()
	for part := range strings.SplitSeq(text, ", ") {
		var seconds float64
		var state, reason string
		if n, err := fmt.Sscanf(part, "%g %s %s", &seconds, &state, &reason); n < 2 {
			t.Fatalf("%q: %v", part, err)
		}
		l = append(l, camera.StateChange{State: camera.State(state), Reason: camera.Reason(reason), Since: at(seconds)})
	}
	return l
}

// watchTimeline polls a camera's history every step seconds and returns the notices, as "30 trouble offline unreachable".
func watchTimeline(l timeline, minDuration time.Duration, step, end float64) []string {
	var now time.Time
	w := NewWatcher(minDuration, func() []Camera {
		return []Camera{{ID: "a", History: func() []camera.StateChange { return l.historyAt(now) }}}
	})
	var notices []string
	for s := 0.0; s <= end; s += step {
		now = at(s)
		news, _ := w.Poll(now)
		for _, n := range news {
			notices = append(notices, strings.TrimSpace(fmt.Sprintf("%g %s %s %s", s, n.Condition, n.Change.State, n.Change.Reason)))
		}
	}
	return notices
}

func TestWatcherNotifiesLastingConditions(t *testing.T) {
	for _, c := range []struct {
		name, life string
		after      time.Duration
		want       string
	}{
		{"nothing while it works", "0 starting, 1 live", 10 * time.Second, ""},
		{"short trouble", "0 starting, 1 live, 20 offline timeout, 29 live", 10 * time.Second, ""},
		{"trouble and its end", "0 live, 20 offline timeout, 50 live", 10 * time.Second, "30 trouble offline timeout; 60 well live"},
		{"trouble from the start", "0 starting, 2 offline no_device", 10 * time.Second, "12 trouble offline no_device"},
		{"reasons within one trouble", "0 live, 20 stalled timeout, 25 offline timeout, 60 offline auth, 90 live", 10 * time.Second,
			"30 trouble offline timeout; 100 well live"},
		{"starting says nothing", "0 live, 20 offline timeout, 25 starting, 40 live", 10 * time.Second, "30 trouble offline timeout; 50 well live"},
		{"a person's switch", "0 live, 20 paused, 50 starting, 51 live", 10 * time.Second, "30 paused paused; 61 well live"},
		{"turned off from the start", "0 paused", 10 * time.Second, ""},
		{"turned off while in trouble", "0 live, 20 offline auth, 50 paused, 80 starting, 81 offline auth", 10 * time.Second,
			"30 trouble offline auth; 60 paused paused; 91 trouble offline auth"},
		{"nobody watches", "0 idle, 20 starting, 21 live, 40 idle, 60 starting, 61 offline auth, 65 idle, 200 starting, 201 live", 10 * time.Second,
			"71 trouble offline auth; 211 well live"},
		{"at once", "0 live, 20 offline timeout, 20.1 live, 30.5 stalled frozen", 0,
			"20 trouble offline timeout; 21 well live; 31 trouble stalled frozen"},
		{"a recovery that fails", "0 live, 20 offline timeout, 50 live, 55 offline timeout", 10 * time.Second, "30 trouble offline timeout"},
	} {
		want := strings.Split(c.want, "; ")
		if c.want == "" {
			want = nil
		}
		if got := watchTimeline(parseTimeline(t, c.life), c.after, 1, 300); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

// A camera that flaps causes fewer notices over time, and a last one when it stays healthy.
func TestFlappingCameraNotifiesRarely(t *testing.T) {
	for _, up := range []float64{1, 15, 100} {
		var l timeline
		const hours = 3
		for s := 0.0; s < hours*3600; s += up + 15 {
			l = append(l, camera.StateChange{State: camera.Live, Since: at(s)}, camera.StateChange{State: camera.Offline, Reason: camera.Timeout, Since: at(s + up)})
		}
		end := float64(hours * 3600)
		l = append(l, camera.StateChange{State: camera.Live, Since: at(end)})
		told := watchTimeline(l, 10*time.Second, 1, end+3600)
		if most := 2*hours*8 + 2; len(told) > most {
			t.Errorf("up for %v s: %d notices in %d hours, want at most %d", up, len(told), hours, most)
		}
		if last := told[len(told)-1]; !strings.HasSuffix(last, "well live") {
			t.Errorf("up for %v s: last notice %q", up, last)
		}
	}
}

// The notices do not depend on how often a watcher polls. Their conditions alternate, and the last one is correct.
func TestPollFrequencyDoesNotMatter(t *testing.T) {
	states := []camera.State{camera.Live, camera.Offline, camera.Stalled, camera.Paused, camera.Starting, camera.Idle}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		l := timeline{{State: camera.Starting, Since: at(0)}}
		for s := r.Float64() * 30; len(l) < 60; s += 0.01 + r.ExpFloat64()*20 {
			l = append(l, camera.StateChange{State: states[r.IntN(len(states))], Since: at(s)})
		}
		words := func(step float64) (w []string) {
			for _, told := range watchTimeline(l, 7*time.Second, step, 3000) {
				_, what, _ := strings.Cut(told, " ")
				w = append(w, what)
			}
			return w
		}
		often := words(0.5)
		if rarely := words(60); !slices.Equal(often, rarely) {
			t.Fatalf("seed %d: got %q, and %q with rare polls", seed, often, rarely)
		}
		condition := Healthy
		for _, c := range l {
			condition = condition.next(c.State)
		}
		last := Healthy
		for i, w := range often {
			next := Condition(strings.Fields(w)[0])
			if i > 0 && next == last {
				t.Errorf("seed %d: two notices of %s in a row", seed, next)
			}
			last = next
		}
		if last != condition {
			t.Errorf("seed %d: the last notice is %s, but the condition is %s", seed, last, condition)
		}
	}
}

// A notice has the state before it. The watcher forgets a removed camera.
func TestNoticeHasPreviousCondition(t *testing.T) {
	l := parseTimeline(t, "0 starting, 1 live, 20 offline timeout, 50 live")
	now, gone := start, false
	w := NewWatcher(10*time.Second, func() []Camera {
		if gone {
			return nil
		}
		return []Camera{{ID: "a", Title: "A", History: func() []camera.StateChange { return l.historyAt(now) }}}
	})
	var news []Notice
	for s := range 41 {
		now = at(float64(s))
		n, _ := w.Poll(now)
		news = append(news, n...)
	}
	want := Notice{Camera: "a", Title: "A", Condition: Trouble, Change: l[2], Since: at(20), Previous: l[1], PreviousSince: at(0)}
	if len(news) != 1 || news[0] != want {
		t.Fatalf("got %+v, want %+v", news, want)
	}
	if !w.InTrouble("a") {
		t.Error("the camera is not in trouble")
	}
	gone = true
	if _, cameras := w.Poll(now); len(cameras) != 0 || w.InTrouble("a") || len(w.trackers) != 0 {
		t.Error("the watcher remembers a removed camera")
	}
}
