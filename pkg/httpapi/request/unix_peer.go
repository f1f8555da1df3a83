package request

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// UnixAddress is the address of all clients of a unix socket, which has none. They are programs on this machine, usually a proxy,
// so limits per address do not apply to them.
const UnixAddress = "unix"

// UnixPeer returns the process at the other end of a unix socket as an address and a port: unix:812 is process 812. ok is false for
// other connections.
func UnixPeer(c net.Conn) (remote string, ok bool) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "", false
	}
	remote = UnixAddress + ":0" // where the kernel does not say
	if raw, err := u.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				remote = fmt.Sprintf("%s:%d", UnixAddress, peer.Pid)
			}
		})
	}
	return remote, true
}
