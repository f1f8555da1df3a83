package snapshot

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// testCamera is a camera with one rendition, whose state a test sets.
type testCamera struct {
	topic  *broker.Topic
	mu     sync.Mutex
	stream camera.State // of main; empty if Status does not list it
	state  camera.State
}

func (c *testCamera) Status() camera.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := camera.Status{State: c.state}
	if c.stream != "" {
		st.Streams = []camera.Stream{{Name: camera.Main, StateChange: camera.StateChange{State: c.stream}}}
	}
	return st
}

func (c *testCamera) Renditions() []string { return []string{camera.Main} }

func (c *testCamera) Topic(rendition string) (*broker.Topic, bool) {
	return c.topic, rendition == camera.Main
}

func (c *testCamera) Track(string) (*broker.Topic, bool) { return nil, false }

func (c *testCamera) set(state, stream camera.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.stream = state, stream
}

func (c *testCamera) publish(placeholder bool) {
	c.topic.Publish(broker.Frame{Key: true, Placeholder: placeholder, Captured: time.Now()})
}

func TestFetch(t *testing.T) {
	const second = time.Second
	live := func(c *testCamera) { c.publish(false) }
	placeholder := func(c *testCamera) { c.publish(true) }
	state := func(state, stream camera.State) func(*testCamera) {
		return func(c *testCamera) { c.set(state, stream) }
	}
	after := func(d time.Duration, do func(*testCamera)) func(*testCamera) {
		return func(c *testCamera) { time.Sleep(d); do(c) }
	}
	tests := []struct {
		name    string
		before  []func(*testCamera)
		during  []func(*testCamera)
		want    uint64 // Seq; 0 for no frame
		atLeast time.Duration
		atMost  time.Duration
	}{
		{"a picture that is new enough", []func(*testCamera){live, after(2*second, live)}, nil, 2, 0, 0},
		{"a picture that is too old", []func(*testCamera){live, after(3*second, state(camera.Live, ""))}, []func(*testCamera){after(second, live)}, 2, second, second},
		{"no picture yet", nil, []func(*testCamera){after(second, live)}, 1, second, second},
		{"a placeholder of a camera that starts", []func(*testCamera){state(camera.Starting, ""), placeholder}, []func(*testCamera){after(second, live)}, 2, second, second},
		{"a placeholder of a camera that failed", []func(*testCamera){state(camera.Offline, ""), placeholder}, nil, 1, 0, 0},
		{"a decoder that failed", []func(*testCamera){state(camera.Live, camera.Offline), placeholder}, nil, 1, 0, 0},
		{"a decoder that nobody used", []func(*testCamera){state(camera.Live, camera.Idle), placeholder}, []func(*testCamera){after(second, live)}, 2, second, second},
		{"a camera that fails", []func(*testCamera){state(camera.Starting, "")}, []func(*testCamera){after(second, state(camera.Offline, "")), placeholder}, 1, second, second},
		{
			"the state comes after the placeholder",
			[]func(*testCamera){state(camera.Starting, "")},
			[]func(*testCamera){after(second, placeholder), after(time.Millisecond, state(camera.Paused, ""))}, 1, second, second + recheckInterval,
		},
		{"no picture comes", []func(*testCamera){live, after(3*second, state(camera.Live, ""))}, nil, 1, 10 * second, 10 * second},
		{"nothing comes", nil, nil, 0, 10 * second, 10 * second},
		{"the camera is removed", nil, []func(*testCamera){after(second, func(c *testCamera) { c.topic.End() })}, 0, second, second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &testCamera{topic: broker.NewTopic("camera", broker.Options{}), state: camera.Live}
				for _, do := range tt.before {
					do(c)
				}
				go func() {
					for _, do := range tt.during {
						do(c)
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				f := Fetch(ctx, c, camera.Main, start.Add(-2*time.Second))
				if took := time.Since(start); took < tt.atLeast || took > tt.atMost {
					t.Errorf("took %v, want %v to %v", took, tt.atLeast, tt.atMost)
				}
				if got := seqOf(f); got != tt.want {
					t.Errorf("got frame %d, want %d", got, tt.want)
				}
				if c.topic.Demand() != (broker.Demand{}) {
					t.Errorf("demand afterwards: %+v", c.topic.Demand())
				}
				synctest.Wait()
			})
		})
	}
}

func seqOf(f *broker.Frame) uint64 {
	if f == nil {
		return 0
	}
	return f.Seq
}

func TestFetchOfUnknownRendition(t *testing.T) {
	c := &testCamera{topic: broker.NewTopic("camera", broker.Options{})}
	if f := Fetch(t.Context(), c, "none", time.Now()); f != nil {
		t.Errorf("got %+v", f)
	}
}
