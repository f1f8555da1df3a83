package listener

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Redirect says where HTTP requests are redirected: to the public URL if that is HTTPS, otherwise to the requested name at a port. It
// refuses names that are not names of this machine.
type Redirect struct {
	Port        string                 // that serves HTTPS; only Handler needs it
	PublicURL   func() string          // at which people reach camd; empty if it is not known
	IsCertified func(name string) bool // a certificate is for that name
}

// Handler answers HTTP requests with the redirect.
func (d Redirect) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := d.host(r)
		if host == "" {
			http.Error(w, "this is not the name of this server; it answers by https:// to the names in its certificate (public_url in its configuration says where people reach it)",
				http.StatusMisdirectedRequest)
			return
		}
		// A browser may keep a 308 for ever, and the port or the address may change.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", "https://"+host+pathAndQuery(r.URL))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusPermanentRedirect)
		_, _ = fmt.Fprintln(w, "come by https://")
	})
}

// pathAndQuery returns what stands behind the host in a URL.
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
