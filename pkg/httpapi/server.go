package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
)

// Camera is what the server needs of a camera. Its methods are safe for concurrent use.
type Camera interface {
	Status() camera.Status
	// Renditions returns the names of its streams, main first. When they change, so must the roster: see Server.Change.
	Renditions() []string
	// Topic returns the stream in a rendition.
	Topic(rendition string) (*broker.Topic, bool)
}

// Options of a server. Metrics is required.
type Options struct {
	Roster  // to begin with
	Metrics *Metrics
	TLS     *tls.Config // what Serve encrypts by, with HTTP/2 and HTTP/1.1; nil is plain HTTP/1.1
	Version string      // shown by the API
	Log     *zap.Logger // nil means none

	// Link says how the link to other camds is. nil: there is none.
	Link func() Link

	// Remember keeps what a person has switched for the next start, one call at a time for each camera. nil: nobody does.
	Remember func(camera string, paused bool) error
}

// Server answers requests. Its methods are safe for concurrent use.
type Server struct {
	opts      Options // but for the roster
	roster    atomic.Pointer[roster]
	log       *zap.Logger
	audience  *audience
	fan       *fanout.Fanout
	walls     sync.WaitGroup
	newcomers *newcomers
	pages     *pages
	switches  switches
	reloads   reloads
	diary     *diary
	handler   http.Handler
	begun     time.Time
	boot      string      // tells this run's ETags from those of another
	started   atomic.Bool // every camera has left its first start
	stopping  atomic.Bool
}

// New returns a server for the cameras. It registers them with the metrics.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	first := o.Roster
	o.Roster = Roster{}
	s := &Server{
		opts: o, log: o.Log, audience: newAudience(), newcomers: newNewcomers(), pages: newPages(), diary: newDiary(), begun: time.Now(),
	}
	s.boot = bootID(s.begun)
	s.switches.remember = o.Remember
	s.reloads.at = s.begun
	s.Change(first)
	s.fan = fanout.New(fanout.Options{RepeatAfter: repeatAfter, Aged: s.aged})
	o.Metrics.registry.MustRegister(&collector{s})
	s.handler = s.routes()
	return s
}

// aged notes how old frames were.
func (s *Server) aged(t *broker.Topic, ages []time.Duration) {
	observer := s.roster.Load().age(t)
	for _, age := range ages {
		observer.Observe(age.Seconds())
	}
}

// ServeHTTP makes the server a handler, for tests and for those who bring their own listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.newcomers.served(s.connOf(r))
	s.handler.ServeHTTP(w, r)
}

// How long Serve lets streams finish the frame they are in the middle of.
const farewell = 1500 * time.Millisecond

// Serve answers requests on l until ctx ends, and returns when every request has. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	errs, err := zap.NewStdLogAt(s.log.Named("http"), zap.DebugLevel)
	if err != nil {
		return err
	}
	var sampling sync.WaitGroup
	defer sampling.Wait()
	// Streams end by this context, which ends after stopping is set: they can tell why.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	sampling.Go(func() { s.keepDiary(base) })
	// WriteTimeout stays 0: it would end every stream. Each frame has its own deadline.
	srv := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       keepConn,
		ConnState:         s.newcomers.follow,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errs,
		TLSConfig:         s.opts.TLS,
		// A client that takes nothing of a whole connection is cut when its streams have all waited for the write timeout, as it
		// was at the start: net/http has one for good.
		HTTP2: &http.HTTP2Config{WriteByteTimeout: s.roster.Load().WriteTimeout + repeatAfter},
	}
	failed := make(chan error, 1)
	go func() {
		if s.opts.TLS == nil {
			failed <- srv.Serve(l)
			return
		}
		failed <- srv.ServeTLS(l, "", "")
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	end()
	_ = l.Close() // who comes now is for the next process, if systemd keeps the socket
	ended := <-failed
	s.takeLeave(srv)
	if !errors.Is(ended, net.ErrClosed) {
		return fmt.Errorf("serve: %w", ended)
	}
	return nil
}

// takeLeave answers who has connected, lets streams finish their frame, and returns when all connections are closed.
func (s *Server) takeLeave(srv *http.Server) {
	srv.SetKeepAlivesEnabled(false)
	var greeting sync.WaitGroup
	greeting.Go(s.newcomers.greet)
	s.fan.Close()
	greeting.Wait()
	late, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if srv.Shutdown(late) != nil {
		_ = srv.Close() // viewers in the middle of a frame that they do not take
	}
	s.audience.wait()
	s.walls.Wait()
}
