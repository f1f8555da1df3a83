package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// Listener returns the listener that the service manager has opened (LISTEN_FDS), for TCP or a unix socket. It returns nil if there is none.
// When this listener is closed, the socket stays open in the service manager. So clients that connect during a restart wait.
func Listener() (net.Listener, error) {
	if os.Getenv("LISTEN_FDS") == "" {
		return nil, nil
	}
	all, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("listener from systemd: %w", err)
	}
	switch len(all) {
	case 0: // LISTEN_PID names another process
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("systemd passes %d sockets; camd.socket must have one ListenStream=, such as 8080 for every address of this machine", len(all))
	}
	if all[0] == nil { // a datagram socket
		return nil, errors.New("systemd passes a socket that accepts no connections; camd.socket must have ListenStream= with a port or a path, such as 8080")
	}
	return all[0], nil
}
