package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"camd/pkg/httpapi/request"

	"go.uber.org/zap"
)

// Hosts are the names by which a browser may call this server. A page of another server could else make its own name lead here
// (DNS rebinding), and would be this server's own for its visitors' browsers. Addresses are always good: nobody can make one lead
// elsewhere.
type Hosts []string // NAME, *.NAME for all below it, or * for any, in small letters

// allows reports whether a browser may call this server so. From another machine it may by a name without a dot, too: nobody out
// there can give one.
func (h Hosts) allows(name string, local bool) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		return true // no browser leaves the name out
	}
	if !local && !strings.Contains(name, ".") {
		return true
	}
	for _, known := range h {
		below, wild := strings.CutPrefix(known, "*")
		if name == known || wild && strings.HasSuffix(name, below) {
			return true
		}
	}
	return false
}

// hostName is the name in a Host header, without its port and an address' brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	name, _, _ := strings.Cut(host, "%") // an IPv6 zone
	return name
}

// checkHost refuses requests with a Host that is not this server's. /healthz takes any.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		if local, canBeBrowser := classifyConn(r); canBeBrowser && r.URL.Path != "/healthz" && !s.config.Load().Hosts.allows(name, local) {
			name = request.SanitizeText(name)
			if s.refusedHosts.isNew(name) {
				s.log.Warn("host refused", zap.String("host", name), zap.String("remote", r.RemoteAddr),
					zap.String("remedy", "if people or programs may call this camd so, name it under hosts in the configuration"))
			}
			request.Fail(w, r, http.StatusMisdirectedRequest, fmt.Sprintf(
				"this server is not known as %q; if it may be called so, name it under hosts in its configuration, or else ask for it by its address", name))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// classifyConn says whether a request came from this machine to an address of its own, and whether it can be a browser's: none speaks to
// a unix socket.
func classifyConn(r *http.Request) (local, canBeBrowser bool) {
	switch at := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return at.IP.IsLoopback(), true
	case *net.UnixAddr:
		return true, false
	}
	return true, true
}

// maxRefusedHosts bounds how many names are logged, since anybody can make them up.
const maxRefusedHosts = 20

// refusedHosts are the names that have been refused. They are safe for concurrent use.
type refusedHosts struct {
	mu    sync.Mutex
	names map[string]bool
}

// isNew notes a name, and reports whether it is worth a line in the log: it is the first time, and not one of too many.
func (s *refusedHosts) isNew(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] || len(s.names) == maxRefusedHosts {
		return false
	}
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
	return true
}
