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

// AllowedHosts are the names by which a browser may reach this server. Otherwise the owner of another domain could make its name resolve to this
// machine (DNS rebinding), and its pages would count as pages of this server. Addresses are always allowed, because nobody can make one
// resolve elsewhere.
type AllowedHosts []string // NAME, *.NAME for all names below it, or * for any, in lower case

// allows reports whether a browser may reach this server by a name. local says that the browser runs on this machine. Any other may also
// use a name without a dot, because no public domain has one.
func (a AllowedHosts) allows(name string, local bool) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		return true // no browser sends an empty name
	}
	if !local && !strings.Contains(name, ".") {
		return true
	}
	for _, known := range a {
		below, wild := strings.CutPrefix(known, "*")
		if name == known || wild && strings.HasSuffix(name, below) {
			return true
		}
	}
	return false
}

// hostName returns the name in a Host header, without its port and the brackets of an address.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	name, _, _ := strings.Cut(host, "%") // an IPv6 zone
	return name
}

// checkHost refuses requests with a Host that is not this server's. /healthz accepts any.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		if local, canBeBrowser := classifyConn(r); canBeBrowser && r.URL.Path != "/healthz" && !s.config.Load().Hosts.allows(name, local) {
			name = request.SanitizeText(name)
			if s.refusedHosts.isNew(name) {
				s.log.Warn("host refused", zap.String("host", name), zap.String("remote", r.RemoteAddr),
					zap.String("remedy", "to allow this name, add it to hosts in the configuration"))
			}
			request.Fail(w, r, http.StatusMisdirectedRequest, fmt.Sprintf(
				"this server does not accept the name %q: use its IP address, or add the name to hosts in the configuration", name))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// classifyConn reports whether a request came from this machine to one of its own addresses, and whether a browser may have sent it.
// Browsers do not use unix sockets.
func classifyConn(r *http.Request) (local, canBeBrowser bool) {
	switch at := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return at.IP.IsLoopback(), true
	case *net.UnixAddr:
		return true, false
	}
	return true, true
}

// maxRefusedHosts is how many refused names are logged, because anybody can invent names.
const maxRefusedHosts = 20

// refusedHosts are the names that have been refused and logged. It is safe for concurrent use.
type refusedHosts struct {
	mu    sync.Mutex
	names map[string]bool
}

// isNew notes a name. It reports whether to log it: this is the first time, and the limit is not reached.
func (r *refusedHosts) isNew(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.names[name] || len(r.names) == maxRefusedHosts {
		return false
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	r.names[name] = true
	return true
}
