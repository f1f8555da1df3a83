package fanout

import (
	"sync"
	"testing"
	"time"

	"camd/pkg/broker"
)

func TestFPSCoversTheLastCompleteSeconds(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		name   string
		frames func(second int) int // how many it gets in a second
		until  time.Duration
		fps    float64
		ok     bool
	}{
		{"not for a second yet", func(int) int { return 30 }, 900 * time.Millisecond, 0, false},
		{"a second and a half", func(int) int { return 30 }, 1500 * time.Millisecond, 30, true},
		{"long", func(int) int { return 25 }, 100 * time.Second, 25, true},
		{"began fast", func(s int) int { return max(0, 100-10*s) }, 12 * time.Second, (30 + 20 + 10) / 5., true},
		{"ended two seconds ago", func(s int) int { return map[bool]int{true: 10}[s < 18] }, 20 * time.Second, 6, true},
		{"ended long ago", func(s int) int { return map[bool]int{true: 10}[s < 20] }, 2000 * time.Second, 0, true},
		{"paused for a round of the cells", func(s int) int { return map[bool]int{true: 10}[s < 8 || s == 16] }, 17500 * time.Millisecond, 2, true},
	} {
		n := &Counts{Since: begin}
		for s := range int(c.until/time.Second) + 1 {
			for i := range c.frames(s) {
				if at := time.Duration(s)*time.Second + time.Duration(i)*time.Millisecond; at <= c.until {
					n.CountSent(&broker.Frame{Captured: begin}, begin.Add(at))
				}
			}
		}
		if fps, ok := n.FPS(begin.Add(c.until)); fps != c.fps || ok != c.ok {
			t.Errorf("%s: got %v, %v, want %v, %v", c.name, fps, ok, c.fps, c.ok)
		}
	}
}

func TestFrameAgeIsThatOfTheNewestCameraFrame(t *testing.T) {
	begin := time.Now()
	n := &Counts{Since: begin}
	check := func(what string, want time.Duration, there bool) {
		t.Helper()
		if age, ok := n.FrameAge(); age != want || ok != there {
			t.Errorf("%s: got %v, %v, want %v, %v", what, age, ok, want, there)
		}
	}
	check("no frame yet", 0, false)
	n.CountSent(&broker.Frame{Captured: begin}, begin.Add(30*time.Millisecond))
	check("a frame", 30*time.Millisecond, true)
	n.CountSent(&broker.Frame{Captured: begin, Placeholder: true}, begin.Add(time.Hour))
	check("a placeholder", 0, false)
	n.CountSent(&broker.Frame{Captured: begin.Add(time.Second)}, begin)
	check("a camera's clock ahead of ours", 1, true)
}

// Counting a frame allocates nothing. A concurrent reader never gets a higher rate than that of the writer.
func TestCountsCanBeReadWhileWritten(t *testing.T) {
	begin := time.Now()
	n, f := &Counts{Since: begin}, &broker.Frame{Captured: begin}
	const perSecond, seconds = 100, 200
	var reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		for s := 0; ; s++ {
			select {
			case <-done:
				return
			default:
			}
			if fps, _ := n.FPS(begin.Add(time.Duration(s%seconds) * time.Second)); fps > perSecond {
				t.Errorf("%v frames a second, at most %d were written", fps, perSecond)
				return
			}
			_, _ = n.FrameAge()
		}
	})
	i := 0
	if a := testing.AllocsPerRun(perSecond*seconds, func() {
		n.CountSent(f, begin.Add(time.Duration(i)*time.Second/perSecond))
		i++
	}); a != 0 {
		t.Errorf("%v allocations a frame", a)
	}
	close(done)
	reader.Wait()
}

// A viewer that comes while the newest frame is hidden has missed nothing: its frames begin with the next one.
func TestFramesBeforeAViewerAreNotCounted(t *testing.T) {
	for name, hide := range map[string]func(*broker.Topic){"expired": (*broker.Topic).Expire, "withdrawn": (*broker.Topic).Withdraw} {
		f, topic := New(longTimeouts), broker.NewTopic("camera", broker.Options{})
		for n := range uint64(3) {
			topic.Publish(frame(n+1, 100))
		}
		hide(topic)
		g := addViewer(t, f, topic, nil)
		topic.Publish(frame(4, 100))
		if n, err := readFrame(g.client); n != 4 || err != nil {
			t.Errorf("%s: got frame %d, %v", name, n, err)
		}
		f.Close()
		if sent, dropped := g.Counts.Sent.Load(), g.Counts.DroppedSlow.Load(); sent != 1 || dropped != 0 {
			t.Errorf("%s: sent %d, dropped %d; want 1 and 0", name, sent, dropped)
		}
	}
}

// Each drop of the ring is counted once, with its reason.
func TestRingDropsAreCountedByReason(t *testing.T) {
	var c Counts
	var before broker.Drops
	for _, now := range []broker.Drops{{Late: 1}, {Late: 1}, {Late: 3, Lapped: 4, Resync: 5, Withdrawn: 6}} {
		c.CountRingDrops(&before, now)
	}
	got := broker.Drops{Late: c.DroppedSlow.Load(), Lapped: c.DroppedLapped.Load(), Resync: c.DroppedResync.Load(), Withdrawn: c.DroppedWithdrawn.Load()}
	if want := (broker.Drops{Late: 3, Lapped: 4, Resync: 5, Withdrawn: 6}); got != want || before != want {
		t.Errorf("got %+v and %+v, want %+v", got, before, want)
	}
}
