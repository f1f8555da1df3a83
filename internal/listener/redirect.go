package listener

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Redirect says where HTTP requests are redirected: to the public URL if that is HTTPS, and otherwise to the requested name at a port. It
// refuses names that this machine does not have.
type Redirect struct {
	Port        string                 // the port that serves HTTPS; only Handler needs it
	PublicURL   func() string          // the URL at which users reach camd; empty if it is not known
	IsCertified func(name string) bool // reports whether a certificate is for that name
}

// Handler returns a handler that answers every request with the redirect.
func (d Redirect) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := d.host(r)
		if host == "" {
			http.Error(w, "this server does not have the requested name; use a name in its certificate, with https://, or set public_url in its configuration",
				http.StatusMisdirectedRequest)
			return
		}
		// A browser may keep a 308 forever, but the port or the address may change.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", "https://"+host+pathAndQuery(r.URL))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusPermanentRedirect)
		_, _ = fmt.Fprintln(w, "use https://")
	})
}

// pathAndQuery returns the part of a URL after the host.
func pathAndQuery(u *url.URL) string {
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// publicHost returns the host and port of the public URL if that is HTTPS.
func (d Redirect) publicHost() string {
	if public, err := url.Parse(d.PublicURL()); err == nil && public.Scheme == "https" {
		return public.Host
	}
	return ""
}

// host returns the host and port to redirect a request to; empty if there is none.
func (d Redirect) host(r *http.Request) string {
	if public := d.publicHost(); public != "" {
		return public
	}
	asked, err := url.Parse("http://" + r.Host)
	if err != nil || !d.isOwnName(asked.Hostname(), r) {
		return ""
	}
	if d.Port == "443" {
		return strings.TrimSuffix(asked.Host, ":"+asked.Port())
	}
	return net.JoinHostPort(asked.Hostname(), d.Port)
}

// isOwnName reports whether a name is one of this machine's: in a certificate, its host name, or the address that was connected to.
func (d Redirect) isOwnName(name string, r *http.Request) bool {
	if name == "" {
		return false
	}
	if d.IsCertified(name) {
		return true
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.IP.Equal(net.ParseIP(name)) {
		return true
	}
	own, err := os.Hostname()
	return strings.EqualFold(name, "localhost") || err == nil && strings.EqualFold(name, own)
}
