package main

import (
	"net"
	"testing"

	"camd/pkg/config"
	"camd/pkg/httpapi"
)

// Whether other machines reach a camd is a matter of where it listens, not of what is configured by now.
func TestEntrances(t *testing.T) {
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
		open := entrances(first, placed{c.front}, []httpapi.Door{{Listener: placed{c.side}}})
		if err := exposed(config.Default(), open...); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if err := exposed(&config.Config{Auth: config.DefaultAuth()}, open...); err != nil {
			t.Errorf("%s, with auth: %v", name, err)
		}
	}
}

// placed is a listener that is somewhere.
type placed struct{ at net.Addr }

func (p placed) Addr() net.Addr          { return p.at }
func (placed) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (placed) Close() error              { return nil }
