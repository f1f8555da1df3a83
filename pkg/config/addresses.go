package config

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// unixScheme is the beginning of an address that is the path of a unix socket.
const unixScheme = "unix:"

// maxSocketPath is how many bytes the path of a socket may have (unix(7)).
const maxSocketPath = 107

// CheckListen returns an error if an address to listen on is not valid. The error says what the address must be.
func CheckListen(s string) error {
	if path, ok := SocketPath(s); ok || strings.HasPrefix(s, "/") {
		if !ok || !filepath.IsAbs(path) || strings.HasSuffix(path, "/") || len(path) > maxSocketPath || hasControl(path) {
			return errors.New("must be HOST:PORT, or unix: and an absolute path of at most " + strconv.Itoa(maxSocketPath) + " bytes, such as unix:/run/camd/camd.sock")
		}
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
	}
	if p, err := strconv.Atoi(port); err != nil || p < 0 || p > 65535 {
		return errors.New("must have a port from 0 to 65535 after the last colon")
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsFunc(host, notInHostName) {
		return errors.New("must have an IP address or host name before the port (0.0.0.0 or nothing for all addresses)")
	}
	return nil
}

// SocketPath returns the path of an address that is a unix socket's.
func SocketPath(listen string) (path string, ok bool) { return strings.CutPrefix(listen, unixScheme) }

func parseTCPAddress(s string) (any, error) {
	err := CheckListen(s)
	if _, socket := SocketPath(s); err == nil && socket {
		err = errors.New("must be HOST:PORT; clients of a unix socket are on this machine already")
	}
	return s, err
}

func notInHostName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

// parseHostPattern reads a name by which browsers may reach camd.
func parseHostPattern(s string) (any, error) {
	name := strings.TrimPrefix(s, "*.")
	if _, err := netip.ParseAddr(s); err == nil {
		return nil, errors.New("must be a host name; remove IP addresses, which camd always accepts")
	}
	if s != "*" && (name == "" || strings.ContainsFunc(name, notInHostName) || strings.HasPrefix(name, ".") || strings.Contains(name, "..")) {
		return nil, errors.New(`must be a host name, such as cams.example.com, *.example.com, or "*" for all, without scheme and port`)
	}
	return strings.ToLower(strings.TrimSuffix(s, ".")), nil
}

func parseHostOrAddress(s string) (any, error) {
	_, err := netip.ParseAddr(s)
	valid := err == nil || s != "" && len(s) <= 253 && !strings.ContainsFunc(s, notInHostName)
	return strings.ToLower(strings.TrimSuffix(s, ".")), must(valid)
}

func parseDomain(s string) (any, error) {
	name := strings.ToLower(s)
	_, notIP := netip.ParseAddr(name)
	return name, must(notIP != nil && !strings.ContainsFunc(name, notInHostName) && strings.Contains(strings.Trim(name, "."), ".") &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "."))
}

// isOrigin reports whether s has the form of an origin in a browser: scheme, host and port.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && s == strings.ToLower(u.Scheme+"://"+u.Host) &&
		!strings.ContainsAny(s, "*;,' ")
}

// parseProxy reads the address or network of a proxy, as a network, or unix for all clients of a unix socket.
func parseProxy(s string) (any, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()).String(), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case s == "unix":
		return s, nil
	case err != nil || p.Addr().Is4In6():
		return nil, errNotValid
	case p.Bits() == 0:
		return nil, errors.New("must be the address or network of the proxy; this network would trust all clients")
	case p != p.Masked():
		return nil, errors.New("must be " + p.Masked().String() + " for the network, or " + p.Addr().String() + " for the address")
	}
	return p.String(), nil
}

// browserHeaders are headers that browsers and other clients set, and that proxies pass on unchanged.
var browserHeaders = []string{"Authorization", "Cookie", "Host", "Origin", "Referer", "User-Agent"}

// parseHTTPURL reads an http:// or https:// address.
func parseHTTPURL(s string, query bool) (any, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || hasControl(s):
		return nil, errNotValid
	case u.User != nil:
		return nil, errors.New("must not contain a user or password")
	case u.Fragment != "" || !query && (u.RawQuery != "" || u.ForceQuery):
		return nil, errors.New("must end with the path: remove everything from ? or # on")
	}
	return u.String(), nil
}

// parseBrokerURL reads the address of an MQTT broker, and adds the default port.
func parseBrokerURL(s string) (any, error) {
	u, err := url.Parse(s)
	ports := map[string]string{"mqtt": "1883", "mqtts": "8883"}
	switch {
	case err != nil || ports[u.Scheme] == "" || u.Hostname() == "" || hasControl(s):
		return nil, errNotValid
	case u.User != nil:
		return nil, errors.New("must not contain a user or password; set user and password_file")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must be mqtt://HOST:PORT, or mqtts:// with TLS; nothing may follow the port")
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), ports[u.Scheme])), nil
}

func parseNATSURL(s string) (any, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || hasControl(s):
		return nil, errNotValid
	case u.User != nil:
		return nil, errors.New("must not contain a user or password; set user and password_file, token_file or credentials_file")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must be nats://HOST:PORT, or tls:// for servers that accept only TLS; nothing may follow the port")
	}
	return s, nil
}
