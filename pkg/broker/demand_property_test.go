package broker

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// modelReader is a reader and when it left. One that changed its period counts as another reader, whose old self left.
type modelReader struct {
	sub    *Subscription // nil for the old self
	period time.Duration
	left   time.Time // zero while it is open
}

// demandModel computes what a topic should report: from all readers that there ever were.
func demandModel(all []modelReader, linger time.Duration) (want Demand, open int) {
	want.Period = One
	for _, r := range all {
		isOpen := r.left.IsZero()
		switch {
		case r.period == Never || !isOpen && time.Since(r.left) >= linger:
			continue
		case isOpen && r.period == One:
			want.Frames, want.Period = true, 0
		case r.period != One:
			want.Frames, want.Period = true, min(want.Period, r.period)
		}
		want.Wanted = true
		if isOpen {
			open++
		}
	}
	if !want.Frames {
		want.Period = 0
	}
	return want, open
}

// Readers come, leave and change their periods at random. The topic reports the same as a model that remembers all of them.
func TestDemandAgreesWithTheModel(t *testing.T) {
	periods := []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second, 10 * time.Second, One, One, Never}
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 18))
			linger := time.Duration(seed%3) * 2500 * time.Millisecond
			topic := NewTopic("camera", Options{Linger: linger})
			var all []modelReader
			for n := range 100 {
				period := periods[random.IntN(len(periods))]
				switch i := random.IntN(len(all) + 1); {
				case random.IntN(3) == 0:
					time.Sleep(time.Duration(random.IntN(6)) * 500 * time.Millisecond)
				case i == len(all):
					all = append(all, modelReader{sub: topic.SubscribeEvery(Latest, period), period: period})
				case all[i].sub == nil:
				case !all[i].left.IsZero(): // nothing changes any more
					all[i].sub.Close()
					all[i].sub.SetPeriod(period)
				case random.IntN(3) == 0:
					if before := all[i].period; before != period {
						all = append(all, modelReader{period: before, left: time.Now()})
					}
					all[i].sub.SetPeriod(period)
					all[i].period = period
				default:
					all[i].sub.Close()
					all[i].left = time.Now()
				}
				synctest.Wait()
				want, open := demandModel(all, linger)
				if got := topic.Demand(); got != want || topic.Subscriptions() != open {
					t.Fatalf("seed %d, step %d: %+v of %d, want %+v of %d", seed, n, got, topic.Subscriptions(), want, open)
				}
			}
			for _, r := range all {
				if r.sub != nil {
					r.sub.Close()
				}
			}
			time.Sleep(linger)
			synctest.Wait()
			if len(topic.readers)+len(topic.left) > 0 || topic.timerSet || topic.Demand() != (Demand{}) {
				t.Errorf("seed %d: readers %v, left %v, timer %v", seed, topic.readers, topic.left, topic.timerSet)
			}
		})
	}
}

// A reader that closes while another goroutine changes its period counts no more.
func TestSetPeriodDuringClose(t *testing.T) {
	topic := NewTopic("camera", Options{})
	for n := range 2000 {
		s := topic.SubscribeEvery(Latest, time.Second)
		closed := make(chan struct{})
		go func() { defer close(closed); s.Close() }()
		s.SetPeriod(time.Duration(n))
		<-closed
		if topic.Subscriptions() != 0 || topic.Demand() != (Demand{}) {
			t.Fatalf("%d subscriptions, %+v", topic.Subscriptions(), topic.Demand())
		}
	}
}

// Nothing that readers do makes what a topic remembers longer than the number of its readers.
func TestDemandRemembersFewPeriods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := NewTopic("camera", Options{Linger: 5 * time.Second})
		for n := range 10000 {
			topic.SubscribeEvery(Latest, time.Duration(10000-n)).Close()
			topic.SubscribeEvery(Latest, One).Close()
			topic.SubscribeEvery(Latest, One).Close()
		}
		if len(topic.left) != 2 || len(topic.readers) != 0 {
			t.Errorf("%d periods of readers that left, %d of open ones", len(topic.left), len(topic.readers))
		}
	})
}
