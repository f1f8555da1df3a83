package wall

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// While a camera opens, its clients wait for video. No decoder starts for them.
func TestStartingCameraIsWaitedFor(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate"), newVideoCamera("yard")} }
	testPiped(t, build, func(p *pipedTest) {
		gate, yard := p.cameras["gate"], p.cameras["yard"]
		gate.set(camera.Idle)
		yard.set(camera.Starting)
		p.hello()
		p.watch("gate", "full")
		p.watch("yard", "full")
		synctest.Wait()
		if !gate.named("video").Wanted() || gate.named("main").Wanted() {
			t.Error("the wrong track is wanted")
		}
		if got := p.take(9 * time.Second); len(got) > 0 {
			t.Errorf("%+v", got)
		}
		gate.set(camera.Live)
		if st, frames := p.takeAfter(func() { gate.send("video", v, 1) }); st.Track != "video" || len(frames) != 1 {
			t.Errorf("%+v %+v", st, frames)
		}
		p.ack(1, 1)
		yard.set(camera.Offline)
		yard.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("offline")})
		p.take(5 * time.Second)
		yard.set(camera.Starting) // it tries again: the placeholder shows it
		yard.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("starting")})
		frames := framesOf(p.take(5 * time.Second))
		if len(frames) != 1 || frames[0].flags&flagPlaceholder == 0 {
			t.Errorf("%+v", frames)
		}
	})
}

// A camera that sends no video has JPEGs, which show its state, until video comes again.
func TestSilentCameraHasJPEGs(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		gate.publishIn("main", 10)
		p.hello()
		p.watch("gate", "full")
		p.play(gate, map[string]*video{"video": v}, 5, true)
		p.takeStream(silenceAfter+2*reviewInterval, "main", "camera")
		v.next = 0
		if st, frames := p.takeAfter(func() { gate.send("video", v, 1) }); st.Track != "video" || st.Reason != "" || len(frames) != 1 {
			t.Errorf("%+v %+v", st, frames)
		}
	})
}

// The frame rate of a camera that has stopped falls until it is 0, so that the time between its frames seems to grow. That brings no video
// back.
func TestStoppedCameraDoesNotChangeBack(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		gate.publishIn("main", 10)
		p.hello()
		p.watch("gate", "full")
		p.play(gate, map[string]*video{"video": v}, 5, true)
		var all []message
		for _, fps := range []float64{3, 2.4, 1.8, 1.2, 0.6, 0, 0} {
			gate.setFPS(fps)
			all = append(all, p.take(time.Second)...)
		}
		if got := streamsOf(all); len(got) != 1 || got[0] != [2]string{"main", "camera"} {
			t.Errorf("got the streams %v", got)
		}
	})
}

// A camera takes long to open, and is live before its first keyframe comes. No decoder starts.
func TestFirstKeyframeIsWaitedFor(t *testing.T) {
	v := newVideo(t, clip)
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		gate.set(camera.Starting)
		p.hello()
		p.watch("gate", "full")
		p.take(9 * time.Second)
		gate.set(camera.Live)
		if p.take(silenceAfter - reviewInterval/2); gate.named("main").Wanted() {
			t.Error("a decoder starts")
		}
		if st, _ := p.takeAfter(func() { gate.send("video", v, 1) }); st.Track != "video" {
			t.Errorf("%+v", st)
		}
	})
}

// A camera that opens again has JPEGs, which show that: its last picture would seem to be live.
func TestReconnectingCameraHasJPEGs(t *testing.T) {
	testVideo(t, func(p *pipedTest, gate *testCamera, v *video) {
		p.play(gate, map[string]*video{"video": v}, 5, true)
		gate.set(camera.Starting)
		gate.named("video").Expire()
		gate.named("main").Publish(broker.Frame{Key: true, Placeholder: true, Data: []byte("starting")})
		if _, frames := p.takeStream(silenceAfter+2*reviewInterval, "main", "camera"); len(frames) != 1 {
			t.Errorf("%+v", frames)
		}
	})
}

// Whether a camera sends video is known only when it is open. A client that waits for video gets the pictures of one that sends JPEGs at
// once.
func TestOpenedCameraOfJPEGs(t *testing.T) {
	build := func() []*testCamera { return []*testCamera{newVideoCamera("gate")} }
	testPiped(t, build, func(p *pipedTest) {
		gate := p.cameras["gate"]
		gate.status.Tracks = nil
		gate.set(camera.Idle)
		p.hello()
		p.watch("gate", "full")
		if got := p.take(5*time.Second + reviewInterval/2); len(got) > 0 || !gate.named("video").Wanted() {
			t.Errorf("got %+v", got)
		}
		gate.mu.Lock()
		gate.status.Format = camera.Format{Codec: "mjpeg", Passthrough: true}
		gate.mu.Unlock()
		gate.set(camera.Live)
		if st, frames := p.takeAfter(func() { gate.publishIn("main", 10) }); st.Track != "main" || st.Reason != "" || len(frames) != 1 {
			t.Errorf("%+v %+v", st, frames)
		}
	})
}

func (c *testCamera) setFPS(fps float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tracks := slices.Clone(c.status.Tracks)
	for i := range tracks {
		tracks[i].FPS = fps
	}
	c.status.Tracks = tracks
}
