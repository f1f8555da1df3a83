package httpapi

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// nearby is the address of all who come by a unix socket, which has none. They are this machine's own programs, a proxy as a
// rule: what is limited for each address is not for them.
const nearby = "unix"

// neighbour says which process a unix socket's other end is, in the shape of an address and a port: unix:812 is process 812.
func neighbour(c net.Conn) (remote string, ok bool) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "", false
	}
	remote = nearby + ":0" // where the kernel does not say
	if raw, err := u.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				remote = fmt.Sprintf("%s:%d", nearby, peer.Pid)
			}
		})
	}
	return remote, true
}
