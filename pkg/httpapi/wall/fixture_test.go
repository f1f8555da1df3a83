package wall

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/viewers"
	"camd/pkg/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testCamera is a camera whose frames and state the test decides.
type testCamera struct {
	id     string
	mu     sync.Mutex
	topics map[string]*broker.Topic // renditions and tracks
	status camera.Status
}

// newTestCamera returns a camera that sends JPEGs.
func newTestCamera(id string) *testCamera {
	return &testCamera{id: id, status: camera.Status{ID: id, State: camera.Live, Format: camera.Format{Codec: "mjpeg"}}, topics: map[string]*broker.Topic{
		"main": broker.NewTopic(id, broker.Options{}), "preview": broker.NewTopic(id+"/preview", broker.Options{}),
	}}
}

// newVideoCamera returns a camera that sends H.264, as video and as the other tracks.
func newVideoCamera(id string, others ...string) *testCamera {
	c := newTestCamera(id)
	c.status.Format = camera.Format{Codec: "h264", Passthrough: true}
	for _, name := range append(others, camera.Video) {
		c.topics[name] = broker.NewTopic(id+"/"+name, broker.VideoOptions())
		c.status.Tracks = append(c.status.Tracks, camera.Track{Name: name, State: camera.Live})
	}
	return c
}

func (c *testCamera) Status() camera.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *testCamera) set(s camera.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.State, c.status.Since = s, time.Now()
	tracks := slices.Clone(c.status.Tracks)
	for i := range tracks {
		tracks[i].State = s
	}
	c.status.Tracks = tracks
}

func (c *testCamera) Renditions() []string { return []string{"main", "preview"} }

func (c *testCamera) Topic(rendition string) (*broker.Topic, bool) {
	return c.named(rendition), !camera.IsTrackName(rendition) && c.named(rendition) != nil
}

func (c *testCamera) Track(name string) (*broker.Topic, bool) {
	return c.named(name), camera.IsTrackName(name) && c.named(name) != nil
}

func (c *testCamera) named(name string) *broker.Topic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topics[name]
}

// publish publishes a JPEG of a size in preview.
func (c *testCamera) publish(size int) *broker.Frame { return c.publishIn("preview", size) }

func (c *testCamera) publishIn(rendition string, size int) *broker.Frame {
	return c.named(rendition).Publish(broker.Frame{Captured: time.UnixMicro(1234567), Key: true, Format: media.NewJPEGFormat(640, 360), Wire: make([]byte, size), Data: make([]byte, size)})
}

// send publishes the next n frames of a video in a track.
func (c *testCamera) send(track string, v *video, n int) {
	for _, f := range v.take(n) {
		c.named(track).Publish(f)
	}
}

// testServer is a server of walls.
type testServer struct {
	url      string
	viewers  *viewers.Registry
	stop     func()
	sessions sync.WaitGroup // of the connected clients
	isHidden atomic.Bool    // no client can see a camera
	limits   request.Limits // of all cameras; set it before a client subscribes

	mu      sync.Mutex
	cameras map[string]*testCamera
}

func newTestServer(t testing.TB, cameras ...*testCamera) *testServer {
	t.Helper()
	return newTestServerWith(t, 10*time.Second, sessionOptions{}, cameras...)
}

// buildTestServer returns a server without a listener, and its handler, which serves sessions until the test ends.
func buildTestServer(t testing.TB, timeout time.Duration, o sessionOptions, cameras ...*testCamera) (*testServer, http.Handler) {
	s := &testServer{viewers: viewers.NewRegistry(viewers.Options{}), cameras: map[string]*testCamera{}}
	s.viewers.SetLimits(viewers.Limits{Viewers: 1000})
	for _, c := range cameras {
		s.cameras[c.id] = c
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.sessions.Add(1)
		defer s.sessions.Done()
		conn, err := Accept(w, r, timeout)
		if err != nil {
			t.Error(err)
			return
		}
		o := o
		o.FindCamera, o.Viewers = s.find, s.viewers
		o.NewViewer = func(k viewers.Key) *viewers.Viewer { return viewers.New(k, r, false) }
		_ = serveSession(ctx, conn, o)
	})
}

func newTestServerWith(t testing.TB, timeout time.Duration, o sessionOptions, cameras ...*testCamera) *testServer {
	t.Helper()
	s, handler := buildTestServer(t, timeout, o, cameras...)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if err := c.(*net.TCPConn).SetWriteBuffer(64 << 10); err != nil { // so that the kernel does not buffer for a client that reads nothing
			t.Error(err)
		}
		return ctx
	}
	server.Start()
	t.Cleanup(func() { s.stop(); s.sessions.Wait(); server.Close() })
	s.url = strings.Replace(server.URL, "http", "ws", 1)
	return s
}

func (s *testServer) find(id string) (request.Target, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cameras[id]
	if c == nil || s.isHidden.Load() {
		return request.Target{}, errors.New("no camera " + id)
	}
	return request.Target{ID: id, Camera: c, Limits: s.limits}, nil
}

// setCamera adds or replaces a camera; nil removes it.
func (s *testServer) setCamera(id string, c *testCamera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cameras[id] = c; c == nil {
		delete(s.cameras, id)
	}
}

// totals returns the counts of a track for all viewers, of now and before.
func (s *testServer) totals(camera, track string) viewers.Totals {
	return s.viewers.Stats().Totals[viewers.Key{Camera: camera, Rendition: track, Transport: Transport}]
}

// connected returns the viewers of a camera's track.
func (s *testServer) connected(camera, track string) int {
	return s.viewers.Stats().Connected[viewers.Key{Camera: camera, Rendition: track, Transport: Transport}]
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("this did not happen: " + what)
		}
	}
}

// waitForViewers waits until a track has n subscriptions and viewers.
func (s *testServer) waitForViewers(t testing.TB, c *testCamera, track string, n int) {
	t.Helper()
	eventually(t, "viewers of "+track, func() bool { return c.named(track).Subscriptions() == n && s.connected(c.id, track) == n })
}
