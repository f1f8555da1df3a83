package request

import (
	"context"
	"net"
	"net/http"
	"strconv"
)

// connKey finds a request's connection in its context.
type connKey struct{}

// WithConn is an http.Server's ConnContext: it lets Conn find the connection.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Conn returns the connection that a request came over, nil if its server does not use WithConn.
func Conn(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}

// UnderlyingConn returns the kernel's connection, below TLS and the connection limiter.
func UnderlyingConn(c net.Conn) net.Conn {
	for {
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = outer.NetConn()
	}
}

// Transport returns what a request came over: http1 or http2.
func Transport(r *http.Request) string { return "http" + strconv.Itoa(min(r.ProtoMajor, 2)) }

// WithoutPort returns an address without its port.
func WithoutPort(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}
