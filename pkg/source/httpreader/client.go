package httpreader

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"camd/internal/rawcall"
	"camd/pkg/source/serverrules"
	"camd/pkg/source/sourceurl"
)

// client sends requests to one HTTP server.
type client struct {
	source  sourceurl.Source
	address url.URL
	http    http.Client
	conn    net.Conn // of the newest response
}

func newClient(rules *serverrules.Rules) *client {
	c := &client{source: rules.Source, address: rules.Source.URL}
	c.address.Scheme = strings.TrimSuffix(c.address.Scheme, "+poll")
	c.http.Transport = &authTransport{
		transport:   &http.Transport{DialContext: dial, DialTLSContext: rules.DialTLS, DisableCompression: true},
		origin:      c.address,
		credentials: serverrules.NewCredentials(rules.Source),
	}
	c.http.CheckRedirect = rules.CheckRedirect
	return c
}

// dial connects to a server without TLS.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return rawcall.NewConn(c), nil
}

// get requests the source. The caller must close the body of the response. When ctx ends, reading the body fails, too.
func (c *client) get(ctx context.Context, header http.Header) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { c.conn = i.Conn }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, c.address.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = header
	response, err := c.http.Do(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errDeadline) {
			err = errDeadline
		}
		return nil, err
	}
	return response, nil
}

// close closes the idle connections.
func (c *client) close() { c.http.CloseIdleConnections() }

// drainBody reads the rest of a body, 64 KiB at most, and closes it, so that the connection can be used again.
func drainBody(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
