package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckExposure returns an error if other machines can reach camd where it listens and the configuration does not say who has access. It
// is an *Error with a place if the file sets listen.
func (c *Config) CheckExposure() error {
	if c.MetricsListen != "" {
		if err := c.CheckAddressExposure(c.MetricsListen); err != nil {
			return fmt.Errorf("metrics_listen: %w", err)
		}
	}
	err := c.CheckAddressExposure(c.Listen)
	switch {
	case err == nil:
		return nil
	case !c.Has("listen") || c.Listen != c.listenInFile:
		return fmt.Errorf("--listen %w", err)
	}
	return &Error{Problems: []Problem{c.ProblemAt("listen", "listen: %v", err)}}
}

// CheckAddressExposure returns an error if other machines can reach an address and the configuration does not say who has access.
func (c *Config) CheckAddressExposure(address string) error {
	if c.Auth != nil || IsLocalAddress(address) {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and the configuration has no auth; create a user with "+
		`"camd hash-password anna --role admin >> users", and add "auth: {users_file: users}" to the configuration; or give everybody `+
		`access with "auth: {anonymous: view}" or --anonymous view`, address)
}

// IsLocalAddress reports whether only this machine can reach an address to listen on.
func IsLocalAddress(address string) bool {
	if _, ok := SocketPath(address); ok {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
