package bus

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"

	"go.uber.org/zap"
)

// BenchmarkLatencyAddedByBus measures when a reader of the site's ring gets a picture of 100 KB, and when a reader of the relay's ring
// does, at 30 pictures a second over Debian's server. The difference is the cost of the bus.
func BenchmarkLatencyAddedByBus(b *testing.B) {
	url := testpeer.ServeNATS(b, "").URL
	yard, _, relay := startQuietPair(b, url)
	v := watchTopic(b, waitCamera(b, relay, "north.yard", camera.Live), camera.Main)
	testrun.WaitFor(b, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	near := watchTopic(b, yard, camera.Main)
	direct := make(chan time.Duration, 1)
	var there, here, more []time.Duration
	for b.Loop() {
		<-tick.C
		go func() { f := near.next(false); direct <- time.Since(f.Captured) }()
		yard.publish(100_000)
		f := v.next(false)
		far, close := time.Since(f.Captured), <-direct
		there, here, more = append(there, far), append(here, close), append(more, far-close)
	}
	for name, took := range map[string][]time.Duration{"relay": there, "direct": here, "more": more} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), name+"-p99-µs")
	}
}

func startQuietPair(b *testing.B, url string) (*fakeCamera, *Bus, *Bus) {
	yard := newFakeCamera("yard", "preview")
	site, _ := startBus(b, Options{URLs: []string{url}, Site: "north", Log: zap.NewNop()})
	site.SetLocalCameras([]LocalCamera{yard})
	relay, _ := startBus(b, Options{URLs: []string{url}, Relay: true, Log: zap.NewNop()})
	return yard, site, relay
}

// BenchmarkFrame measures what a picture costs the site and the relay together, per picture, without the server.
func BenchmarkFrame(b *testing.B) {
	for _, size := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			url := testpeer.ServeNATS(b, "").URL
			yard, _, relay := startQuietPair(b, url)
			v := watchTopic(b, waitCamera(b, relay, "north.yard", camera.Live), camera.Main)
			testrun.WaitFor(b, "demand", func() bool { return yard.topics[camera.Main].Wanted() })
			pic := testJPEG(size)
			f := broker.Frame{Key: true, Format: media.NewJPEGFormat(32, 16), Wire: pic, Data: pic}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			before := cpuTime()
			for b.Loop() {
				f.Captured = time.Now()
				yard.topics[camera.Main].Publish(f)
				v.next(false)
			}
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpuTime is the time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFirstPicture measures the time from a relay's first viewer to its first picture, of a camera that nobody watched.
func BenchmarkFirstPicture(b *testing.B) {
	url := testpeer.ServeNATS(b, "").URL
	yard, _, relay := startQuietPair(b, url)
	c := waitCamera(b, relay, "north.yard", camera.Live)
	yard.play(b, 100_000, time.Second/30)
	topic, _ := c.Topic(camera.Main)
	var took time.Duration
	n := 0
	for b.Loop() {
		begun := time.Now()
		v := watchTopic(b, c, camera.Main)
		v.next(false)
		took += time.Since(begun)
		n++
		v.sub.Close()
		testrun.WaitFor(b, "the end of demand", func() bool { return !topic.Wanted() && !yard.topics[camera.Main].Wanted() })
	}
	b.ReportMetric(float64(took.Microseconds())/float64(n), "µs-to-first")
}
