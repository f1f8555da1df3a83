package daemon

import (
	"net"
	"testing"

	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// Whether other machines can reach camd depends on where it listens, and not on the current configuration.
func TestServedAddrsDecideExposure(t *testing.T) {
	local, far := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4zero, Port: 2}
	socket := &net.UnixAddr{Name: "/run/camd/camd.sock", Net: "unix"}
	for name, c := range map[string]struct {
		metrics     string
		front, side net.Addr
		refused     bool
	}{
		"this machine's alone": {"127.0.0.1:0", local, local, false},
		"a socket":             {"unix:/x", socket, socket, false},
		"pictures":             {"", far, local, true},
		"metrics":              {"127.0.0.1:0", socket, far, true},
		"one that redirects":   {"", local, far, false},
	} {
		first := &config.Config{MetricsListen: c.metrics}
		addrs := servedAddrs(first, stubListener{c.front}, []httpapi.ExtraListener{{Listener: stubListener{c.side}}})
		if err := checkExposedAddrs(config.Default(), addrs...); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if err := checkExposedAddrs(&config.Config{Auth: config.DefaultAuth()}, addrs...); err != nil {
			t.Errorf("%s, with auth: %v", name, err)
		}
	}
}

// stubListener is a listener with an address, which accepts nothing.
type stubListener struct{ addr net.Addr }

func (s stubListener) Addr() net.Addr          { return s.addr }
func (stubListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (stubListener) Close() error              { return nil }
