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
)

// Door is a further address that a server answers at.
type Door struct {
	Listener net.Listener
	Handler  http.Handler // what it answers there
}

// lane is a door and who serves it.
type lane struct {
	Door
	srv *http.Server
}

// open makes the lanes: the server's own first, which alone is encrypted.
func (s *Server) open(base context.Context, errs *log.Logger, l net.Listener, more []Door) (lanes []lane) {
	for i, d := range append([]Door{{l, s}}, more...) {
		if d.Handler != s {
			next := s.boundWrites(s.boundBodies(d.Handler)) // as the server's own: places are for all doors together
			d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.meet(r); next.ServeHTTP(w, r) })
		}
		// WriteTimeout stays 0: it would end every stream. Each frame has its own deadline.
		srv := &http.Server{
			Handler:           d.Handler,
			BaseContext:       func(net.Listener) context.Context { return base },
			ConnContext:       keepConn,
			ConnState:         s.follow,
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          errs,
			HTTP2:             s.limitsOfHTTP2(),
		}
		if i == 0 {
			srv.TLSConfig = s.opts.TLS
		}
		d.Listener = s.turnstile.Listener(d.Listener, srv.TLSConfig != nil)
		lanes = append(lanes, lane{d, srv})
	}
	return lanes
}

func (l lane) serve() error {
	if l.srv.TLSConfig == nil {
		return l.srv.Serve(l.Listener)
	}
	return l.srv.ServeTLS(l.Listener, "", "")
}

// serveAll serves the lanes until ctx ends or one of them fails, and returns when none takes connections any more. leave is called
// before their listeners are closed.
func serveAll(ctx context.Context, lanes []lane, leave func()) error {
	failed := make(chan error, len(lanes))
	for _, l := range lanes {
		go func() { failed <- l.serve() }()
	}
	var first error
	ended := 0
	select {
	case first = <-failed:
		ended++
	case <-ctx.Done():
	}
	leave()
	for _, l := range lanes {
		l.srv.SetKeepAlivesEnabled(false) // whatever is answered from now on says that its connection ends
	}
	for _, l := range lanes {
		_ = l.Listener.Close() // who comes now is for the next process, if systemd keeps the socket
	}
	for ; ended < len(lanes); ended++ {
		if err := <-failed; first == nil && !errors.Is(err, net.ErrClosed) {
			first = err
		}
	}
	if first != nil {
		return fmt.Errorf("serve: %w", first)
	}
	return nil
}

// closeAll returns when all connections are closed. Those that are in the middle of a frame have patience to take the rest.
func closeAll(lanes []lane, patience time.Duration) {
	late, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var closing sync.WaitGroup
	for _, l := range lanes {
		closing.Go(func() {
			if l.srv.Shutdown(late) != nil {
				_ = l.srv.Close()
			}
		})
	}
	closing.Wait()
}

// Aside answers for /metrics and whether camd is well, and nothing else.
func (s *Server) Aside() http.Handler { return s.aside }

// transport is what a connection runs over: the kernel's, below TLS and the turnstile.
func transport(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}
