package bus

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(instanceEnv); url != "" {
		runBox(url)
	}
	goleak.VerifyTestMain(m, append(testpeer.FaultProxyLeaks(),
		// The server does not wait for its own goroutines.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1"))...)
}

// startServer starts a NATS server in this process, until the test ends.
func startServer(t testing.TB, change ...func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true}
	for _, c := range change {
		c(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(testrun.Deadline) {
		t.Fatal("no NATS server")
	}
	return s
}

// startBus runs a bus until the test ends or the returned function is called.
func startBus(t testing.TB, o Options) (*Bus, func()) {
	t.Helper()
	if o.Log == nil {
		o.Log = zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel))
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return b, stop
}

// fakeCamera is a camera with pictures and state from the test.
type fakeCamera struct {
	id         string
	topics     map[string]*broker.Topic
	renditions []string
	mu         sync.Mutex
	status     camera.Status
}

func newFakeCamera(id string, renditions ...string) *fakeCamera {
	l := &fakeCamera{id: id, renditions: append([]string{camera.Main}, renditions...), topics: map[string]*broker.Topic{}}
	for _, r := range l.renditions {
		l.topics[r] = broker.NewTopic(id+"/"+r, broker.Options{})
	}
	l.status = camera.Status{ID: id, Title: "Camera " + id, State: camera.Live, Since: time.Now(), Counts: camera.Counts{FPS: 30}}
	for _, r := range renditions {
		l.status.Renditions = append(l.status.Renditions, camera.Rendition{Name: r})
	}
	return l
}

func (f *fakeCamera) Status() camera.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}
func (f *fakeCamera) Renditions() []string                 { return f.renditions }
func (f *fakeCamera) Topic(r string) (*broker.Topic, bool) { t, ok := f.topics[r]; return t, ok }
func (f *fakeCamera) setState(s camera.State, why camera.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.State, f.status.Reason, f.status.Since = s, why, time.Now()
}

// publish publishes a picture of at least n bytes in main.
func (f *fakeCamera) publish(n int) *broker.Frame {
	now := time.Now()
	part, pic := media.NewPart(testJPEG(n), now)
	return f.topics[camera.Main].Publish(broker.Frame{Captured: now, Key: true, Format: media.NewJPEGFormat(32, 16), Wire: part, Data: pic})
}

// play publishes pictures of n bytes until the test ends or stop is called.
func (f *fakeCamera) play(t testing.TB, n int, every time.Duration) (stop func()) {
	done, end := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				f.publish(n)
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(end); <-done })
	t.Cleanup(stop)
	return stop
}

var blankJPEG = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 16)), nil)
	return b.Bytes()
})

// testJPEG returns a JPEG of n bytes, padded after its data, where decoders ignore it.
func testJPEG(n int) []byte {
	whole := blankJPEG()
	end := len(whole) - 2
	b := append(bytes.Clone(whole[:end]), make([]byte, max(0, n-len(whole)))...)
	return append(b, whole[end:]...)
}

// waitCamera waits until a relay has a camera in a state.
func waitCamera(t testing.TB, b *Bus, id string, state camera.State) *Camera {
	t.Helper()
	var found *Camera
	testrun.WaitFor(t, id+" "+string(state), func() bool {
		for _, c := range b.Cameras() {
			if c.ID() == id && c.Status().State == state {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// viewer reads a topic as viewers do.
type viewer struct {
	t   testing.TB
	sub *broker.Subscription
}

func watchTopic(t testing.TB, c LocalCamera, rendition string) *viewer {
	t.Helper()
	topic, ok := c.Topic(rendition)
	if !ok {
		t.Fatalf("no rendition %q", rendition)
	}
	v := &viewer{t, topic.Subscribe(broker.Latest)}
	t.Cleanup(v.sub.Close)
	return v
}

// next waits for a frame that is a placeholder, or for one that is not.
func (v *viewer) next(placeholder bool) *broker.Frame {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testrun.Deadline)
	defer cancel()
	for {
		f, err := v.sub.Next(ctx)
		if err != nil {
			v.t.Fatalf("next frame (placeholder %v): %v", placeholder, err)
		}
		if f.Placeholder == placeholder {
			return f
		}
	}
}
