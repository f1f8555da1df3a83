package capture

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"camd/pkg/source/sourceurl"
)

// httpClient sends requests to one HTTP server.
type httpClient struct {
	src     sourceurl.Source
	rules   *serverRules
	address url.URL
	client  http.Client
}

func newHTTPClient(rules *serverRules) *httpClient {
	w := &httpClient{src: rules.source, rules: rules, address: rules.source.URL}
	w.address.Scheme = strings.TrimSuffix(w.address.Scheme, "+poll")
	w.client.Transport = &authTransport{
		transport:   &http.Transport{DialTLSContext: rules.dialTLS, DisableCompression: true},
		origin:      w.address,
		credentials: credentials{src: rules.source},
	}
	w.client.CheckRedirect = rules.checkRedirect
	return w
}

// get requests the source. The caller must close the body of the response. When ctx ends, reading the body fails, too.
func (h *httpClient) get(ctx context.Context, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.address.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = header
	response, err := h.client.Do(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errDeadline) {
			err = errDeadline
		}
		return nil, err
	}
	return response, nil
}

// close closes the idle connections.
func (h *httpClient) close() { h.client.CloseIdleConnections() }

// drainBody reads the rest of a body, 64 KiB at most, and closes it, so that the connection can be used again.
func drainBody(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// mediaType returns the content type of a response without its parameters, which are wrong in many cameras.
func mediaType(response *http.Response) string {
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// authTransport answers the challenges of the source's own server, and of no other that it redirects to.
type authTransport struct {
	transport   *http.Transport
	origin      url.URL
	credentials credentials
}

func (a *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.isOrigin(r.URL) {
		return a.transport.RoundTrip(r)
	}
	response, err := a.transport.RoundTrip(a.withAuthorization(r))
	if err != nil || response.StatusCode != http.StatusUnauthorized || !a.credentials.acceptChallenges(response.Header.Values("Www-Authenticate")) {
		return response, err
	}
	drainBody(response.Body)
	return a.transport.RoundTrip(a.withAuthorization(r))
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (a *authTransport) CloseIdleConnections() { a.transport.CloseIdleConnections() }

// isOrigin reports whether the password may be sent to an address: to the same server, or to the same host if that is a change
// from http to https.
func (a *authTransport) isOrigin(u *url.URL) bool {
	if u.Scheme == a.origin.Scheme {
		return strings.EqualFold(u.Host, a.origin.Host)
	}
	return u.Scheme == "https" && strings.EqualFold(u.Hostname(), a.origin.Hostname())
}

func (a *authTransport) withAuthorization(r *http.Request) *http.Request {
	authorization := a.credentials.authorization(r.Method, r.URL.RequestURI())
	if authorization == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", authorization)
	return r
}

// errDeadline is the cause of an extendableContext whose time has run out.
var errDeadline = context.DeadlineExceeded

// extendableContext is a context that ends when it is not extended in time.
type extendableContext struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func newExtendableContext(ctx context.Context, d time.Duration) *extendableContext {
	l := &extendableContext{}
	l.Context, l.cancel = context.WithCancelCause(ctx)
	l.timer = time.AfterFunc(d, func() { l.cancel(errDeadline) })
	return l
}

// hasExpired reports whether time has run out.
func (e *extendableContext) hasExpired() bool { return errors.Is(context.Cause(e), errDeadline) }

func (e *extendableContext) extend(d time.Duration) { e.timer.Reset(d) }

func (e *extendableContext) release() {
	e.timer.Stop()
	e.cancel(nil)
}
