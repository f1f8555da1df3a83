package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"camd/pkg/httpapi/request"
	"camd/pkg/httpapi/snapshot"
	"camd/pkg/httpapi/streaming"
	"camd/pkg/httpapi/viewers"
)

// maxBodyBytes bounds the body of any request. Addresses that read one have a smaller bound.
const maxBodyBytes = 64 << 10

// bodyTimeout is how long the body of a request may take to arrive.
const bodyTimeout = 10 * time.Second

// Reasons for which requests were refused or their connections closed. Refused viewers have reasons of their own.
const (
	tooLarge         = "body"            // its body exceeded maxBodyBytes
	tooManyWaiting   = "snapshots"       // too many snapshots were waiting for a picture
	tooManyMessages  = "messages"        // the client of a wall sent too many messages
	tooManyStreams   = "http2_streams"   // more than a connection may have at once
	tooManyCancelled = "http2_cancelled" // streams opened and cancelled faster than they could start
)

// requestRefusals counts refused requests, except those that other packages count.
type requestRefusals struct{ bodies, streams, cancelled atomic.Uint64 }

// refusedRequests returns how many requests were refused, by reason.
func (s *Server) refusedRequests() map[string]uint64 {
	n := &s.refusals
	return map[string]uint64{
		tooLarge: n.bodies.Load(), tooManyWaiting: s.snapshots.RefusedWaits(), tooManyMessages: s.walls.Flooded(),
		tooManyStreams: n.streams.Load(), tooManyCancelled: n.cancelled.Load(),
	}
}

// limitBodies bounds the size of every body and the time it may take, even where no body is expected. net/http reads the rest of a body
// after the handler has returned, and waits for it without a limit.
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
			request.Fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than the limit of %d bytes", maxBodyBytes))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// http2Config bounds what a client can make the server do over one connection. net/http itself disconnects clients that flood it with
// resets, settings, pings or continuations.
func (s *Server) http2Config() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: 100, // as RFC 9113 recommends; a page with more cameras uses the wall
		// Clients send nothing large.
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: maxBodyBytes,
		MaxReceiveBufferPerStream:     maxBodyBytes,
		// A client that takes nothing from its connection is disconnected after all its streams have waited for the write timeout.
		// net/http keeps the timeout of the start, also after a reload.
		WriteByteTimeout: s.config.Load().WriteTimeout + streaming.RepeatAfter,
		// A client that is gone without closing its connection is detected as on plain connections: see viewers.KeepAlive.
		SendPingTimeout: viewers.KeepAlive.Idle,
		PingTimeout:     time.Duration(viewers.KeepAlive.Count) * viewers.KeepAlive.Interval,
		CountError: func(kind string) {
			switch { // the text begins with the kind of error and its code
			case strings.Contains(kind, "_over_max_streams"):
				s.refusals.streams.Add(1)
			case strings.HasSuffix(kind, "_too_many_early_resets"):
				s.refusals.cancelled.Add(1)
			}
		},
	}
}

// trackConnState is the ConnState hook of the http.Server.
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
