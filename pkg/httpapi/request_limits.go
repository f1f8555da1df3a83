package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"camd/pkg/httpapi/mjpeg"
	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/httpapi/viewers"
)

// maxBodyBytes bounds the body of any request. Addresses that take one have a narrower bound of their own.
const maxBodyBytes = 64 << 10

// bodyTimeout is how long the body of a request may take.
const bodyTimeout = 10 * time.Second

// Why requests were refused, or their connections closed, that were nobody's who wants to watch.
const (
	tooLarge         = "body"            // its body was larger than any may be
	tooManyWaiting   = "snapshots"       // as many wait for a picture as may
	tooManyMessages  = "messages"        // a wall's client sent too many messages
	tooManyStreams   = "http2_streams"   // more at once on a connection than it may have
	tooManyCancelled = "http2_cancelled" // streams opened and cancelled faster than they could start
)

// requestRefusals counts refused requests, but for those that other packages count.
type requestRefusals struct{ bodies, streams, cancelled atomic.Uint64 }

// refusedRequests returns how many requests were refused, by reason.
func (s *Server) refusedRequests() map[string]uint64 {
	n := &s.refusals
	return map[string]uint64{
		tooLarge: n.bodies.Load(), tooManyWaiting: s.snapshots.RefusedWaits(), tooManyMessages: s.walls.Flooded(),
		tooManyStreams: n.streams.Load(), tooManyCancelled: n.cancelled.Load(),
	}
}

// limitBodies keeps every request's body small, whether its address takes one or not, and has it arrive in time: net/http reads
// what a handler has left of it, and waits for that as long as it takes.
func (s *Server) limitBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		// Tests without a connection have no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTimeout))
		if r.ContentLength > maxBodyBytes {
			s.refusals.bodies.Add(1)
			if r.ProtoMajor == 1 { // on HTTP/2 it would end the session
				w.Header().Set("Connection", "close")
			}
			request.Fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBodyBytes))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// http2Config bound what a client may have the server do over one connection. What floods it with resets, settings, pings or
// continuations, net/http cuts by itself.
func (s *Server) http2Config() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: 100, // as the standard advises; a page with more cameras has the wall
		// Nothing that is sent here is large.
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: maxBodyBytes,
		MaxReceiveBufferPerStream:     maxBodyBytes,
		// A client that takes nothing of a whole connection is cut when its streams have all waited for the write timeout, as it
		// was at the start: net/http has one for good.
		WriteByteTimeout: s.config.Load().WriteTimeout + mjpeg.RepeatAfter,
		// One that is gone without a word is found as a plain viewer is: see viewers.KeepAlive.
		SendPingTimeout: viewers.KeepAlive.Idle,
		PingTimeout:     time.Duration(viewers.KeepAlive.Count) * viewers.KeepAlive.Interval,
		CountError: func(kind string) {
			switch { // kinds of error and codes come first
			case strings.Contains(kind, "_over_max_streams"):
				s.refusals.streams.Add(1)
			case strings.HasSuffix(kind, "_too_many_early_resets"):
				s.refusals.cancelled.Add(1)
			}
		},
	}
}

// trackState is an http.Server's ConnState.
func (s *Server) trackConnState(c net.Conn, state http.ConnState) {
	s.pendingConns.trackState(c, state)
	if state == http.StateIdle {
		s.connLimiter.MarkIdle(c)
	}
}

// limitWrites disconnects clients that send a request and do not read its answer. A stream sets its own deadlines.
func (s *Server) limitWrites(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Tests without a connection have no deadlines.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(snapshot.WaitTimeout + s.config.Load().WriteTimeout))
		next.ServeHTTP(w, r)
	})
}
