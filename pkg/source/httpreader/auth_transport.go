package httpreader

import (
	"net/http"
	"net/url"
	"strings"

	"camd/pkg/source/serverrules"
)

// authTransport answers the challenges of the source's own server, and of no other that it redirects to.
type authTransport struct {
	transport   *http.Transport
	origin      url.URL
	credentials *serverrules.Credentials
}

func (a *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.isOrigin(r.URL) {
		return a.transport.RoundTrip(r)
	}
	response, err := a.transport.RoundTrip(a.withAuthorization(r))
	if err != nil || response.StatusCode != http.StatusUnauthorized || !a.credentials.AcceptChallenges(response.Header.Values("Www-Authenticate")) {
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
	authorization := a.credentials.Authorization(r.Method, r.URL.RequestURI())
	if authorization == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", authorization)
	return r
}
