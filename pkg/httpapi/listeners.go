package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"camd/pkg/httpapi/request"
)

// ExtraListener is an additional listener of a server.
type ExtraListener struct {
	Listener net.Listener
	Handler  http.Handler // answers its requests
}

// httpListener is a listener and its server.
type httpListener struct {
	ExtraListener
	server *http.Server
}

// newListeners returns all listeners. The server's own is first, and only that one is encrypted.
func (s *Server) newListeners(base context.Context, errs *log.Logger, l net.Listener, extra []ExtraListener) (listeners []httpListener) {
	for i, d := range append([]ExtraListener{{l, s}}, extra...) {
		if d.Handler != s {
			next := s.limitWrites(s.limitBodies(d.Handler)) // the server's own hook: limits count the connections of all listeners together
			d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.trackRequest(r); next.ServeHTTP(w, r) })
		}
		// WriteTimeout stays 0: it would end every stream. Each frame has its own deadline.
		srv := &http.Server{
			Handler:           d.Handler,
			BaseContext:       func(net.Listener) context.Context { return base },
			ConnContext:       request.WithConn,
			ConnState:         s.trackConnState,
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          errs,
			HTTP2:             s.http2Config(),
		}
		if i == 0 {
			srv.TLSConfig = s.opts.TLS
		}
		d.Listener = s.connLimiter.Listener(d.Listener, srv.TLSConfig != nil)
		listeners = append(listeners, httpListener{d, srv})
	}
	return listeners
}

func (h httpListener) serve() error {
	if h.server.TLSConfig == nil {
		return h.server.Serve(h.Listener)
	}
	return h.server.ServeTLS(h.Listener, "", "")
}

// serveAll serves until ctx ends or a listener fails. It returns when none accepts connections any more. It calls onStop before it closes
// the listeners.
func serveAll(ctx context.Context, listeners []httpListener, onStop func()) error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- l.serve() }()
	}
	var first error
	ended := 0
	select {
	case first = <-failed:
		ended++
	case <-ctx.Done():
	}
	onStop()
	for _, l := range listeners {
		l.server.SetKeepAlivesEnabled(false) // from now on each answer closes its connection
	}
	for _, l := range listeners {
		_ = l.Listener.Close() // new connections wait for the next process, if systemd keeps the socket
	}
	for ; ended < len(listeners); ended++ {
		if err := <-failed; first == nil && !errors.Is(err, net.ErrClosed) {
			first = err
		}
	}
	if first != nil {
		return fmt.Errorf("serve: %w", first)
	}
	return nil
}

// closeAll returns when all connections are closed. Connections in the middle of a frame have the timeout to take the rest.
func closeAll(listeners []httpListener, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var closing sync.WaitGroup
	for _, l := range listeners {
		closing.Go(func() {
			if l.server.Shutdown(ctx) != nil {
				_ = l.server.Close()
			}
		})
	}
	closing.Wait()
}

// MetricsHandler serves only /metrics and the health of camd.
func (s *Server) MetricsHandler() http.Handler { return s.metricsHandler }
