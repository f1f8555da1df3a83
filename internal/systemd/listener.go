package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// Listener returns the listener that the service manager has opened (LISTEN_FDS), of TCP or a unix socket; nil if it has opened none. The
// socket stays open there when this listener is closed, so clients that connect between two processes wait.
func Listener() (net.Listener, error) {
	if os.Getenv("LISTEN_FDS") == "" {
		return nil, nil
	}
	all, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("listener from systemd: %w", err)
	}
	switch len(all) {
	case 0: // meant for another process
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("systemd hands over %d sockets; want one: a single ListenStream= in camd.socket, such as 8080, which is every address of this machine", len(all))
	}
	if all[0] == nil { // of datagrams
		return nil, errors.New("systemd hands over a socket that takes no connections; want ListenStream= with a port or a path in camd.socket, such as 8080")
	}
	return all[0], nil
}
