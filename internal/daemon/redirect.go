package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// redirectToHTTPS redirects HTTP requests to HTTPS: to public_url if it is known, else to the requested name
// at a port. It does not redirect to a name that is not this machine's.
func (k *certReloader) redirectToHTTPS(port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := k.redirectHost(r, port)
		if host == "" {
			http.Error(w, "this is not the name of this server; it answers by https:// to the names in its certificate (public_url in its configuration says where people reach it)",
				http.StatusMisdirectedRequest)
			return
		}
		path := r.URL.EscapedPath()
		if !strings.HasPrefix(path, "/") {
			path = "/"
		}
		to := "https://" + host + path
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		// A browser may keep a 308 for ever, and the port or the address may change.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", to)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusPermanentRedirect)
		_, _ = fmt.Fprintln(w, "come by https://")
	})
}

// redirectHost is host and port of where to come; empty if nowhere.
func (k *certReloader) redirectHost(r *http.Request, port string) string {
	k.mu.Lock()
	public, err := url.Parse(k.cfg.PublicURL)
	k.mu.Unlock()
	if err == nil && public.Scheme == "https" {
		return public.Host
	}
	asked, err := url.Parse("http://" + r.Host)
	if err != nil || !k.isOwnName(asked.Hostname(), r) {
		return ""
	}
	if port == "443" {
		return strings.TrimSuffix(asked.Host, ":"+asked.Port())
	}
	return net.JoinHostPort(asked.Hostname(), port)
}

// isOwnName reports whether a name is one of this machine's: in its certificate, its host name, or the address that was connected to.
func (k *certReloader) isOwnName(name string, r *http.Request) bool {
	if name == "" {
		return false
	}
	if c := k.store.Certificate(); c != nil && c.Leaf.VerifyHostname(name) == nil {
		return true
	}
	if k.issuer != nil && k.issuer.Handles(name) {
		return true
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.IP.Equal(net.ParseIP(name)) {
		return true
	}
	own, err := os.Hostname()
	return strings.EqualFold(name, "localhost") || err == nil && strings.EqualFold(name, own)
}
