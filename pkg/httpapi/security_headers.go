package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"camd/pkg/httpapi/request"
)

// securityHeaders sets headers for browsers. They must not guess the type of an answer, must not give it to pages of other origins, and
// must not return without encryption.
func (s *Server) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if age := s.config.Load().HSTS; age > 0 && r.TLS != nil { // browsers ignore the header of an unencrypted answer
			h.Set("Strict-Transport-Security", "max-age="+strconv.FormatInt(int64(age/time.Second), 10))
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// allowCrossOrigin lets pages of the same site show pictures, such as pages at another port of this machine. Pages of other origins may
// show them if the configuration lets their scripts read pictures.
func (s *Server) allowCrossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, allowed := w.Header(), s.config.Load().AllowOrigin
		h.Set("Cross-Origin-Resource-Policy", "same-site")
		if len(allowed) > 0 || isEmbeddedBySameHost(r) { // the request does not say which page shows the picture
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		origin := r.Header.Get("Origin")
		switch {
		case slices.Contains(allowed, "*"):
			h.Set("Access-Control-Allow-Origin", "*")
		case len(allowed) > 0:
			h.Add("Vary", "Origin")
			if slices.Contains(allowed, origin) {
				h.Set("Access-Control-Allow-Origin", origin)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isEmbeddedBySameHost reports whether a page of the same host, at any port, embeds the requested picture: OctoPrint, for example. For
// Chromium two ports of an IP address are not the same site. A page of another host can hide its address, but cannot pretend to be of
// this host.
func isEmbeddedBySameHost(r *http.Request) bool {
	page, err := url.Parse(r.Referer())
	return err == nil && page.Host != "" && strings.EqualFold(page.Hostname(), hostName(r.Host))
}

// refuseCrossSite refuses requests that change something and come from pages of other origins in a user's browser.
func (s *Server) refuseCrossSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.config.Load().crossOrigin.Check(r); err != nil {
			request.Fail(w, r, http.StatusForbidden, "a page of another server cannot change anything here: if this is camd's own page, a proxy has changed the Host header, "+
				"so forward the header unchanged, or set public_url in the configuration")
			return
		}
		next.ServeHTTP(w, r)
	})
}
