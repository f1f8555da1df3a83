package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckExposure reports that camd would be reached from other machines and nothing says who may come in. It is an *Error, with a
// place, if the file says where to listen.
func (c *Config) CheckExposure() error {
	if c.Auth != nil || Local(c.Listen) {
		return nil
	}
	message := fmt.Sprintf("%s is reached from other machines, and nothing says who may come in; make a user, by "+
		`"camd hash-password anna --role admin >> users" and "auth: {users_file: users}", or let everybody in, by "auth: {anonymous: view}" or --anonymous view`, c.Listen)
	if c.listenAt.File == "" || c.Listen != c.listenAt.Message {
		return fmt.Errorf("--listen %s", message)
	}
	p := c.listenAt
	p.Message = "listen: " + message
	return &Error{Problems: []Problem{p}}
}

// Local reports whether this machine alone reaches an address to listen on.
func Local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "/")
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
