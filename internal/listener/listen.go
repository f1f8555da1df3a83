// Package listener opens the sockets that camd listens on.
package listener

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"go.uber.org/zap"

	"camd/internal/systemd"
	"camd/pkg/config"
)

// ListenOrInherit returns the listener that systemd passes on, otherwise a new one at addr.
func ListenOrInherit(addr string, mode os.FileMode, log *zap.Logger) (net.Listener, error) {
	switch l, err := systemd.Listener(); {
	case err != nil:
		return nil, err
	case l != nil:
		if !sameAddress(addr, l.Addr()) {
			log.Warn("configured address not served", zap.String("configured", addr), zap.Stringer("serving", l.Addr()),
				zap.String("reason", "systemd passes a socket: ListenStream= in camd.socket sets the address"))
		}
		return l, nil
	}
	return Listen(addr, mode)
}

// Listen returns a listener at host:port or unix:path. mode is the file mode of a unix socket.
func Listen(addr string, mode os.FileMode) (net.Listener, error) {
	if path, ok := config.SocketPath(addr); ok {
		return listenUnix(path, mode)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError(addr, err)
	}
	return l, nil
}

// sameAddress reports whether a listener has the address addr.
func sameAddress(addr string, of net.Addr) bool {
	if path, ok := config.SocketPath(addr); ok || of.Network() == "unix" {
		return ok && of.Network() == "unix" && of.String() == path
	}
	want, err := net.ResolveTCPAddr("tcp", addr)
	got, ok := of.(*net.TCPAddr)
	if err != nil || !ok || want.Port != got.Port {
		return false
	}
	everywhere := want.IP == nil || want.IP.IsUnspecified()
	return want.IP.Equal(got.IP) || everywhere && got.IP.IsUnspecified()
}

// listenError returns an error that says why an address cannot be listened on, and what to do.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: another program uses this port; `ss -ltnp` shows which. Stop it, or choose another port with --listen", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port with --listen, or see docs/tls.md", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine has no such address; `ip addr` lists its addresses", addr)
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}

// ConfigAddress returns an address in the form of the configuration.
func ConfigAddress(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}
