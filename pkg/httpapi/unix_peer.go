package httpapi

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// unixAddress is the address of all who come by a unix socket, which has none. They are this machine's own programs, a proxy as a
// rule: what is limited for each address is not for them.
const unixAddress = "unix"

// unixPeer says which process a unix socket's other end is, in the shape of an address and a port: unix:812 is process 812.
func unixPeer(c net.Conn) (remote string, ok bool) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "", false
	}
	remote = unixAddress + ":0" // where the kernel does not say
	if raw, err := u.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				remote = fmt.Sprintf("%s:%d", unixAddress, peer.Pid)
			}
		})
	}
	return remote, true
}
