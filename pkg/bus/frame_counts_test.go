package bus

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/camera"
)

// accountedFor returns how many frames of a stream were delivered or dropped.
func (s Stream) accountedFor() uint64 {
	n := s.Frames
	for _, d := range s.Dropped {
		n += d
	}
	return n
}

func receivedStream(b *Bus, camera, rendition string) Stream {
	for _, s := range b.State().Received {
		if s.Camera == camera && s.Rendition == rendition {
			return s
		}
	}
	return Stream{}
}

func sentStream(b *Bus, camera, rendition string) Stream {
	for _, s := range b.State().Sent {
		if s.Camera == camera && s.Rendition == rendition {
			return s
		}
	}
	return Stream{}
}

// expectEveryFrameCounted checks that both ends have counted every frame, from the first that a relay got to the last in the site's
// ring. Call it when the last frame has arrived and nothing is being published.
func expectEveryFrameCounted(t *testing.T, yard *fakeCamera, first uint64, site, relay *Bus) {
	t.Helper()
	published := yard.topics[camera.Main].Published()
	want := published - first + 1
	defer func() {
		t.Logf("published %d, want %d, sent %+v, received %+v", published, want, sentStream(site, "yard", camera.Main), receivedStream(relay, "north.yard", camera.Main))
	}()
	// A frame is counted after it has been delivered.
	testrun.WaitFor(t, "the last frame to be counted", func() bool {
		return sentStream(site, "yard", camera.Main).Passed >= want && receivedStream(relay, "north.yard", camera.Main).Passed >= want
	})
	out, in := sentStream(site, "yard", camera.Main), receivedStream(relay, "north.yard", camera.Main)
	if out.Passed != want || out.accountedFor() != want {
		t.Errorf("at the site passed %d and accounted for %d, want %d", out.Passed, out.accountedFor(), want)
	}
	if in.Passed != want || in.accountedFor() != want {
		t.Errorf("at the relay passed %d and accounted for %d, want %d", in.Passed, in.accountedFor(), want)
	}
	if out.Frames < in.Frames {
		t.Errorf("%d of %d frames arrived", in.Frames, out.Frames)
	}
}

// waitLastFrame waits until the newest frame of the site's ring has arrived. It publishes more frames until then.
func waitLastFrame(t *testing.T, yard *fakeCamera, relay *Bus) {
	t.Helper()
	c := waitCamera(t, relay, "north.yard", camera.Live)
	var f uint64
	testrun.WaitFor(t, "the last frame", func() bool {
		c.mu.Lock()
		in := c.receivers[camera.Main]
		c.mu.Unlock()
		in.mu.Lock()
		defer in.mu.Unlock()
		if published := yard.topics[camera.Main].Published(); in.last == published {
			return true
		} else if f != published || time.Since(in.arrived) > time.Second {
			f = yard.publish(1000).Seq
		}
		return false
	})
}

func TestEveryFrameIsCounted(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2000, 100_000, 400_000} { // below the library's buffer, beyond it, and in pieces
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			url := startServer(t, func(o *server.Options) { o.MaxPayload = 128 << 10 }).ClientURL()
			near, far := testpeer.ServeFaultProxy(t, url), testpeer.ServeFaultProxy(t, url)
			yard, site, relay := startPair(t, near.URL, far.URL)
			v := watchTopic(t, waitCamera(t, relay, "north.yard", camera.Live), camera.Main)
			testrun.WaitFor(t, "demand", func() bool { return sentStream(site, "yard", camera.Main).Watched })
			first := yard.publish(size).Seq
			v.next(false)
			stop := yard.play(t, size, 2*time.Millisecond)
			random := rand.New(rand.NewPCG(uint64(size), 1))
			for range 4 {
				ends := []*testpeer.FaultProxy{near, far}[random.IntN(2)]
				ends.AddFault("limit_data", fmt.Sprintf(`"bytes": %d`, 1000+random.IntN(100_000)))
				ends.ClearFaults() // this also closes its connections
				testrun.WaitFor(t, "both connections", func() bool { return site.State().Connected && relay.State().Connected })
				v.next(false)
			}
			stop()
			waitLastFrame(t, yard, relay)
			expectEveryFrameCounted(t, yard, first, site, relay)
		})
	}
}
