package capture

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"camd/pkg/source/spec"
)

// web asks one HTTP server.
type web struct {
	src     spec.Source
	rules   *serverRules
	address url.URL
	client  http.Client
}

func newWeb(rules *serverRules) *web {
	w := &web{src: rules.source, rules: rules, address: rules.source.URL}
	w.address.Scheme = strings.TrimSuffix(w.address.Scheme, "+poll")
	w.client.Transport = &login{
		transport:   &http.Transport{DialTLSContext: rules.dialTLS, DisableCompression: true},
		home:        w.address,
		credentials: credentials{src: rules.source},
	}
	w.client.CheckRedirect = rules.checkRedirect
	return w
}

// get requests the source. The answer's body is the caller's to close, and ctx bounds the reading of it, too.
func (w *web) get(ctx context.Context, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = header
	answer, err := w.client.Do(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), errLate) {
			err = errLate
		}
		return nil, err
	}
	return answer, nil
}

// close ends the connections that are kept for the next request.
func (w *web) close() { w.client.CloseIdleConnections() }

// drain closes a body, and reads its last bytes before, so that the connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// mediaType is an answer's content type without its parameters, which cameras get wrong.
func mediaType(answer *http.Response) string {
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// login answers the challenges of the source's own server, and of no other that it redirects to.
type login struct {
	transport   *http.Transport
	home        url.URL
	credentials credentials
}

func (l *login) RoundTrip(r *http.Request) (*http.Response, error) {
	if !l.atHome(r.URL) {
		return l.transport.RoundTrip(r)
	}
	answer, err := l.transport.RoundTrip(l.signed(r))
	if err != nil || answer.StatusCode != http.StatusUnauthorized || !l.credentials.learn(answer.Header.Values("Www-Authenticate")) {
		return answer, err
	}
	drain(answer.Body)
	return l.transport.RoundTrip(l.signed(r))
}

// CloseIdleConnections is what http.Client looks for.
func (l *login) CloseIdleConnections() { l.transport.CloseIdleConnections() }

// atHome reports whether the password may go there: to the same server, or over TLS to the same host where it was to go
// openly.
func (l *login) atHome(u *url.URL) bool {
	if u.Scheme == l.home.Scheme {
		return strings.EqualFold(u.Host, l.home.Host)
	}
	return u.Scheme == "https" && strings.EqualFold(u.Hostname(), l.home.Hostname())
}

func (l *login) signed(r *http.Request) *http.Request {
	authorization := l.credentials.answer(r.Method, r.URL.RequestURI())
	if authorization == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", authorization)
	return r
}

// errLate is the cause of a leash's end by time.
var errLate = context.DeadlineExceeded

// leash is a context that ends when it is not extended in time.
type leash struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func newLeash(ctx context.Context, d time.Duration) *leash {
	l := &leash{}
	l.Context, l.cancel = context.WithCancelCause(ctx)
	l.timer = time.AfterFunc(d, func() { l.cancel(errLate) })
	return l
}

// late reports whether time has run out.
func (l *leash) late() bool { return errors.Is(context.Cause(l), errLate) }

func (l *leash) extend(d time.Duration) { l.timer.Reset(d) }

func (l *leash) release() {
	l.timer.Stop()
	l.cancel(nil)
}
