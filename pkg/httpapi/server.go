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

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"camd/pkg/broker"
	"camd/pkg/camera"
	"camd/pkg/fanout"
)

// Camera is what the server needs of a camera. Its methods are safe for concurrent use.
type Camera interface {
	Status() camera.Status
	// Renditions returns the names of its streams, main first. They stay the same.
	Renditions() []string
	// Topic returns the stream in a rendition.
	Topic(rendition string) (*broker.Topic, bool)
}

// Options of a server. Cameras and Metrics are required.
type Options struct {
	Cameras      map[string]Camera // by ID
	Order        []string          // IDs as people want to see them; the first is what /stream and /?action=stream serve
	Metrics      *Metrics
	Limits       Limits
	Unsent       int           // bytes that the kernel may hold unsent for a viewer (TCP_NOTSENT_LOWAT); 0 leaves it to the system
	WriteTimeout time.Duration // a viewer that takes nothing for so long is cut; 0 means 10 s
	TLS          *tls.Config   // what Serve encrypts by, with HTTP/2 and HTTP/1.1; nil is plain HTTP/1.1
	Version      string        // shown by the API
	Log          *zap.Logger   // nil means none

	// Remember keeps what a person has switched for the next start, one call at a time for each camera. nil: nobody does.
	Remember func(camera string, paused bool) error
}

// Server answers requests. Its methods are safe for concurrent use.
type Server struct {
	opts      Options
	log       *zap.Logger
	audience  *audience
	fan       *fanout.Fanout
	walls     sync.WaitGroup
	newcomers *newcomers
	pages     *pages
	switches  switches
	diary     *diary
	handler   http.Handler
	begun     time.Time
	boot      string      // tells this run's ETags from those of another
	started   atomic.Bool // every camera has left its first start
	stopping  atomic.Bool
}

// New returns a server for the cameras. It registers them with the metrics.
func New(o Options) *Server {
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Server{
		opts: o, log: o.Log, audience: newAudience(o.Limits, seats(o.Cameras, o.TLS != nil)), pages: newPages(), begun: time.Now(),
		newcomers: newNewcomers(),
	}
	s.boot = bootID(s.begun)
	s.switches, s.diary = newSwitches(o.Cameras, o.Remember), newDiary(o.Cameras)
	s.fan = fanout.New(fanout.Options{WriteTimeout: o.WriteTimeout, RepeatAfter: repeatAfter, Aged: s.ages()})
	o.Metrics.registry.MustRegister(&collector{order: o.Order, cameras: o.Cameras, audience: s.audience})
	s.handler = s.routes()
	return s
}

// seats returns the places from which viewers can watch.
func seats(cameras map[string]Camera, encrypted bool) (all []seat) {
	transports := []string{"http1", wallTransport}
	if encrypted {
		transports = append(transports, "http2")
	}
	for id, c := range cameras {
		for _, name := range c.Renditions() {
			for _, t := range transports {
				all = append(all, seat{id, name, t})
			}
		}
	}
	return all
}

// ages returns what notes frames' ages, camera by camera.
func (s *Server) ages() func(*broker.Topic, []time.Duration) {
	observers := map[*broker.Topic]prometheus.Observer{}
	for id, c := range s.opts.Cameras {
		for _, name := range c.Renditions() {
			if t, ok := c.Topic(name); ok {
				observers[t] = s.opts.Metrics.age(id, name)
			}
		}
	}
	return func(t *broker.Topic, ages []time.Duration) {
		observer := observers[t]
		for _, age := range ages {
			observer.Observe(age.Seconds())
		}
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
		// A client that takes nothing of a whole connection is cut when its streams have all waited for the write timeout.
		HTTP2: &http.HTTP2Config{WriteByteTimeout: s.opts.WriteTimeout + repeatAfter},
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
