package wall

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// linkRun gives a link frames of a camera, and reviews it, once a second.
type linkRun struct {
	link    link
	now     time.Time
	changes []linkChange
}

type linkChange struct {
	at time.Duration // since the run began
	to linkLevel
}

var linkBegin = time.Unix(1_800_000_000, 0)

func newLinkRun() *linkRun { return &linkRun{now: linkBegin} }

// next lets one second pass.
func (r *linkRun) next(frames, late uint64, mayTry bool) {
	r.now = r.now.Add(time.Second)
	r.link.sent(r.now, frames, late)
	if before := r.link.level(); r.link.review(r.now, mayTry) != (r.link.level() != before) {
		panic("review does not report what it has changed")
	} else if r.link.level() != before {
		r.changes = append(r.changes, linkChange{r.now.Sub(linkBegin), r.link.level()})
	}
}

// pass lets seconds pass on a connection that carries the levels from best on.
func (r *linkRun) pass(seconds int, best linkLevel) {
	for range seconds {
		if r.link.level() < best {
			r.next(5, 10, true)
		} else {
			r.next(15, 0, true)
		}
	}
}

func TestLinkGoesDownAndUp(t *testing.T) {
	r := newLinkRun()
	r.pass(10, linkGood)
	r.pass(10, linkSub)   // down at 13
	r.pass(10, linkJPEG)  // down at 24
	r.pass(100, linkGood) // up after 15 s each
	want := []linkChange{{13 * time.Second, linkSub}, {22 * time.Second, linkJPEG}, {37 * time.Second, linkSub}, {52 * time.Second, linkGood}}
	if !slices.Equal(r.changes, want) {
		t.Errorf("got %v, want %v", r.changes, want)
	}
}

func TestLinkWaitsLongerAfterEachFailedAttempt(t *testing.T) {
	r := newLinkRun()
	r.pass(3600, linkSub)
	var waits []time.Duration
	for i := 1; i < len(r.changes); i++ {
		if r.changes[i].to == linkGood {
			waits = append(waits, r.changes[i].at-r.changes[i-1].at)
		}
	}
	for i, want := range []time.Duration{15, 30, 60, 120, 240, 300, 300} {
		if waits[i].Round(lossWindow) != want*time.Second {
			t.Errorf("wait %d: %v, want %v", i, waits[i], want*time.Second)
		}
	}
	r.changes = nil
	r.pass(400, linkGood)
	if r.link.level() != linkGood {
		t.Fatal("it did not go up")
	}
	r.pass(10, linkSub) // after an attempt that succeeded
	r.pass(20, linkGood)
	if got := r.changes[len(r.changes)-1].at - r.changes[len(r.changes)-2].at; got != firstRetry {
		t.Errorf("it waited %v after an attempt that succeeded", got)
	}
}

func TestLinkSkipsSub(t *testing.T) {
	r := newLinkRun()
	r.link.skipsSub = true
	r.pass(10, linkJPEG)
	r.pass(30, linkGood)
	if len(r.changes) != 2 || r.changes[0].to != linkJPEG || r.changes[1].to != linkGood {
		t.Errorf("got %v", r.changes)
	}
}

func TestLinkLimits(t *testing.T) {
	cases := []struct {
		name         string
		frames, late uint64
		want         linkLevel
	}{
		{"20 % late", 8, 2, linkGood},
		{"more than 20 % late", 79, 21, linkSub},
		{"all late", 0, 1, linkSub},
		{"nothing sent", 0, 0, linkGood},
	}
	for _, c := range cases {
		r := newLinkRun()
		for range 4 {
			r.next(c.frames, c.late, true)
		}
		if got := r.link.level(); got != c.want {
			t.Errorf("%s: level %d, want %d", c.name, got, c.want)
		}
	}
}

func TestLinkGoesUpOnlyOnEvidence(t *testing.T) {
	r := newLinkRun()
	r.pass(10, linkJPEG)
	for range 600 {
		r.next(0, 0, true) // an offline camera says nothing about the connection
	}
	for range 600 {
		r.next(15, 1, true) // there is loss
	}
	for range 600 {
		r.next(15, 0, false) // another camera tries
	}
	if r.link.level() != linkJPEG {
		t.Errorf("level %d", r.link.level())
	}
	for i := range 40 { // a camera that sends a picture every five seconds
		r.next(uint64(1-min(i%5, 1)), 0, true)
	}
	if r.link.level() == linkJPEG {
		t.Error("a camera with few pictures stays at the lowest level")
	}
}

func TestLinkGivesUpAnAttempt(t *testing.T) {
	r := newLinkRun()
	if r.link.giveUp(r.now) {
		t.Error("it gave up without an attempt")
	}
	r.pass(6, linkJPEG)
	r.pass(16, linkGood)
	if !r.link.trying(r.now) || !r.link.giveUp(r.now) || r.link.level() != linkJPEG || r.link.trying(r.now) {
		t.Errorf("level %d", r.link.level())
	}
	r.changes = nil
	r.pass(40, linkGood)
	if len(r.changes) == 0 || r.changes[0].at != 22*time.Second+30*time.Second {
		t.Errorf("the next attempt: %v", r.changes)
	}
}

// Whatever the connection does, a link does not change its level faster than its times, waits longer after each attempt that fails, and
// comes back when the connection carries everything.
func TestLinkProperties(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 19))
		r := newLinkRun()
		r.link.skipsSub = random.IntN(4) == 0
		for range 1 + random.IntN(40) {
			best, kind := linkLevel(random.IntN(3)), random.IntN(4)
			for range random.IntN(90) {
				switch kind {
				case 0:
					r.next(uint64(random.IntN(30)), uint64(random.IntN(10)), random.IntN(2) == 0)
				case 1:
					r.next(0, 0, true)
				default:
					r.pass(1, best)
				}
			}
		}
		checkLinkChanges(t, seed, r.changes)
		r.pass(int((2*maxRetry+2*lossWindow)/time.Second), linkGood)
		if r.link.level() != linkGood {
			t.Errorf("seed %d: level %d after a long time on a good connection", seed, r.link.level())
		}
	}
}

func checkLinkChanges(t *testing.T, seed uint64, changes []linkChange) {
	t.Helper()
	last := linkChange{}
	var up time.Duration // when the level went up last; 0 if it went down since
	wait := firstRetry
	for _, c := range changes {
		isAttempt, isShort := up > 0, c.at-up < attemptTime
		if isAttempt && !isShort {
			wait = firstRetry
		}
		least := lossWindow
		if c.to < last.to {
			least = wait
		}
		if c.at-last.at < least {
			t.Errorf("seed %d: level %d at %v and %d at %v, sooner than %v", seed, last.to, last.at, c.to, c.at, least)
		}
		if isAttempt && isShort && c.to > last.to {
			wait = min(2*wait, maxRetry)
		}
		if up = 0; c.to < last.to {
			up = c.at
		}
		last = c
	}
}
