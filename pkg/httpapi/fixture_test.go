package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/media"
	"camd/pkg/media/fmp4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testCamera is a camera whose pictures and state the test decides.
type testCamera struct {
	topic  *broker.Topic
	video  *broker.Topic // nil for a camera that sends JPEGs
	mu     sync.Mutex
	status camera.Status
}

func newTestCamera(id string) *testCamera {
	return &testCamera{
		topic: broker.NewTopic(id, broker.Options{}),
		status: camera.Status{
			ID: id, Title: "Camera " + id, Source: "test://", State: camera.Live,
			Since:  time.Unix(1700000000, 0),
			Format: camera.Format{Backend: "PATTERN", Codec: "raw", Width: 32, Height: 16, FPS: 30},
			Counts: camera.Counts{Refused: map[string]uint64{"truncated": 0}, Restarts: map[camera.Reason]uint64{camera.Timeout: 0}},
		},
	}
}

func (t *testCamera) Status() camera.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

func (t *testCamera) Topic(rendition string) (*broker.Topic, bool) {
	return t.topic, rendition == camera.Main
}

func (t *testCamera) Renditions() []string { return []string{camera.Main} }

func (t *testCamera) Track(name string) (*broker.Topic, bool) {
	return t.video, t.video != nil && name == "video"
}

func (t *testCamera) set(s camera.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.State = s
}

// publish gives viewers a picture in shade n.
func (t *testCamera) publish(n uint8) *broker.Frame {
	return t.topic.Publish(newFrame(picture(n), time.Now()))
}

// publishVideo gives viewers a frame of video that no program can decode.
func (t *testCamera) publishVideo() {
	if t.video == nil {
		t.video = broker.NewTopic("video", broker.VideoOptions())
	}
	t.video.Publish(broker.Frame{
		Key: true, Wire: make([]byte, fmp4.HeadSize), Format: &broker.Format{Codec: "h264", CodecString: "avc1.640028", Init: []byte("ftyp and moov")},
	})
}

func newFrame(jpeg []byte, captured time.Time) broker.Frame {
	part, pic := media.NewPart(jpeg, captured)
	return broker.Frame{Captured: captured, Key: true, Format: media.NewJPEGFormat(32, 16), Wire: part, Data: pic}
}

func (t *testCamera) placeholder() *broker.Frame {
	f := newFrame(picture(0), time.Now())
	f.Placeholder = true
	return t.topic.Publish(f)
}

func picture(shade uint8) []byte {
	img := image.NewGray(image.Rect(0, 0, 32, 16))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: shade}.Y
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil)
	return b.Bytes()
}

// testServer is a server on a real socket.
type testServer struct {
	*Server
	url      string
	client   *http.Client
	listener *recordingListener
	cancel   context.CancelFunc
	done     chan error
}

// recordingListener is a listener that records the accepted connections.
type recordingListener struct {
	net.Listener
	mu       sync.Mutex
	accepted []net.Conn
}

func (r *recordingListener) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.accepted = append(r.accepted, c)
	}
	return c, err
}

func (r *recordingListener) last() net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted[len(r.accepted)-1]
}

// startServer serves the cameras until the test ends.
func startServer(t *testing.T, o Options, cameras ...Camera) *testServer {
	t.Helper()
	return startServerOn(t, listen(t), o, cameras...)
}

// startServerOn serves the cameras on l until the test ends.
func startServerOn(t *testing.T, l net.Listener, o Options, cameras ...Camera) *testServer {
	t.Helper()
	o.Cameras = map[string]Camera{}
	for _, c := range cameras {
		id := c.Status().ID
		o.Cameras[id] = c
		o.Order = append(o.Order, id)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &testServer{
		Server: New(o), url: "http://" + l.Addr().String(), client: http.DefaultClient,
		listener: &recordingListener{Listener: l}, cancel: cancel, done: make(chan error, 1),
	}
	go func() { s.done <- s.Serve(ctx, s.listener) }()
	t.Cleanup(func() { s.stop(t); s.client.CloseIdleConnections() })
	return s
}

// stop ends the server and waits for it. It may be called twice.
func (s *testServer) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	if err, first := <-s.done; first {
		close(s.done)
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// get requests a path. The body is closed when the test ends.
func (s *testServer) get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	return s.request(t, http.MethodGet, path, header...)
}

func (s *testServer) request(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// watch opens a stream and reads it with the standard library's multipart reader.
func (s *testServer) watch(t *testing.T, path string) (*http.Response, *multipart.Reader) {
	t.Helper()
	resp := s.get(t, path)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", path, resp.Status, body(t, resp))
	}
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	return resp, multipart.NewReader(bufio.NewReader(resp.Body), params["boundary"])
}

// nextPicture reads one part.
func nextPicture(t *testing.T, r *multipart.Reader) []byte {
	t.Helper()
	p, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eventually waits for a condition that must become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
