package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody bounds the body of any request. Addresses that take one have a narrower bound of their own.
const maxBody = 64 << 10

// Why requests were refused, or their connections closed, that were nobody's who wants to watch.
const (
	tooLarge     = "body"            // its body was larger than any may be
	tooManyWaits = "snapshots"       // as many wait for a picture as may
	tooTalkative = "messages"        // a wall's client said too much
	tooManyAsked = "http2_streams"   // more at once on a connection than it may have
	tooManyTaken = "http2_cancelled" // asked for and cancelled faster than they were begun with
)

// refusals count them.
type refusals struct{ bodies, waits, messages, streams, cancelled atomic.Uint64 }

func (n *refusals) count() map[string]uint64 {
	return map[string]uint64{
		tooLarge: n.bodies.Load(), tooManyWaits: n.waits.Load(), tooTalkative: n.messages.Load(),
		tooManyAsked: n.streams.Load(), tooManyTaken: n.cancelled.Load(),
	}
}

// boundBodies keeps every request's body small, whether its address takes one or not, and has it arrive in time: net/http reads
// what a handler has left of it, and waits for that as long as it takes.
func (s *Server) boundBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		// Tests without a connection have no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodies))
		if r.ContentLength > maxBody {
			s.refusals.bodies.Add(1)
			if r.ProtoMajor == 1 { // on HTTP/2 it would end the session
				w.Header().Set("Connection", "close")
			}
			fail(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// limitsOfHTTP2 bound what a client may have the server do over one connection. What floods it with resets, settings, pings or
// continuations, net/http cuts by itself.
func (s *Server) limitsOfHTTP2() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: 100, // as the standard advises; a page with more cameras has the wall
		// Nothing that is sent here is large.
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: maxBody,
		MaxReceiveBufferPerStream:     maxBody,
		// A client that takes nothing of a whole connection is cut when its streams have all waited for the write timeout, as it
		// was at the start: net/http has one for good.
		WriteByteTimeout: s.roster.Load().WriteTimeout + repeatAfter,
		// One that is gone without a word is found as a plain viewer is: see probes.
		SendPingTimeout: probes.Idle,
		PingTimeout:     time.Duration(probes.Count) * probes.Interval,
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

// follow is an http.Server's ConnState.
func (s *Server) follow(c net.Conn, state http.ConnState) {
	s.newcomers.follow(c, state)
	if state == http.StateIdle {
		s.turnstile.Idle(c)
	}
}
