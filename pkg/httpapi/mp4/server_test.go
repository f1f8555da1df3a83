package mp4

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"camd/internal/testpeer"
	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/certificate"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
)

// testCamera is a camera with one track.
type testCamera struct {
	name  string
	topic *broker.Topic
	codec string // of a live camera; empty for one that starts
}

func (c testCamera) Status() camera.Status {
	if c.codec != "" {
		return camera.Status{ID: "yard", State: camera.Live, Format: camera.Format{Codec: c.codec, Passthrough: true}}
	}
	return camera.Status{ID: "yard", State: camera.Starting}
}

func (testCamera) Renditions() []string { return nil }

func (testCamera) Topic(string) (*broker.Topic, bool) { return nil, false }

func (c testCamera) Track(name string) (*broker.Topic, bool) { return c.topic, name == c.name }

// testServer serves one camera at every address.
type testServer struct {
	url     string
	client  *http.Client
	viewers *viewers.Registry
	mp4     *Server
}

// protocols for startServer.
const (
	plain = iota
	http1TLS
	http2TLS
)

// startServer serves a camera until the test ends.
func startServer(t testing.TB, c testCamera, limits request.Limits, protocol int) *testServer {
	t.Helper()
	s := &testServer{viewers: viewers.NewRegistry(viewers.Options{}), client: &http.Client{Transport: &http.Transport{}}}
	s.viewers.SetLimits(viewers.Limits{Viewers: 1000})
	ctx, stop := context.WithCancel(context.Background())
	streams := streaming.New(streaming.Options{Viewers: s.viewers, Stopping: func() bool { return ctx.Err() != nil }, Log: zap.NewNop()})
	s.mp4 = New(streams)
	if limits.WriteTimeout == 0 {
		limits.WriteTimeout = time.Minute
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		s.mp4.Serve(w, r, request.Target{ID: "yard", Camera: c, Limits: limits})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(handler), ConnContext: request.WithConn, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	s.url = "http://" + l.Addr().String() + "/cameras/yard/stream.mp4"
	if protocol != plain {
		l = s.useTLS(t, l, server, protocol == http2TLS)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		streams.Close()
		s.viewers.Wait()
		_ = server.Close()
		<-done
	})
	return s
}

// useTLS lets the server and its client use TLS, with HTTP/1 or HTTP/2.
func (s *testServer) useTLS(t testing.TB, l net.Listener, server *http.Server, version2 bool) net.Listener {
	t.Helper()
	i := testpeer.Certificate{}.Make(t)
	pair, err := certificate.Files{Certificate: i.File, Key: i.Key}.Load()
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(!version2)
	protocols.SetHTTP2(version2)
	server.Protocols, server.TLSConfig = &protocols, certificate.Server(pair)
	if version2 {
		server.TLSConfig.NextProtos = []string{"h2"}
	}
	s.url = "https" + s.url[len("http"):]
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.Pool}, Protocols: &protocols}}
	return tls.NewListener(l, server.TLSConfig)
}

// get requests the stream. The body is closed when the test ends.
func (s *testServer) get(t testing.TB, query string) *http.Response {
	t.Helper()
	resp, err := s.client.Get(s.url + query)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// save writes a stream that a viewer has read into a file.
func save(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
