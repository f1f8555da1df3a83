package viewers

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"camd/pkg/httpapi/request"
)

// KeepAlive detects within 25 s a viewer that is gone without closing its connection. While a frame is being sent, the write timeout does
// that.
var KeepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// SetSocketOptions bounds how many bytes the kernel holds unsent for a viewer (tcp(7), TCP_NOTSENT_LOWAT), and enables keep-alive probes.
// sendBuffer 0 sets no bound. Without one, a send buffer grows to megabytes, and a slow viewer sees pictures that are seconds old
// although camd sends only new ones.
func SetSocketOptions(c net.Conn, sendBuffer int) {
	c = request.UnderlyingConn(c)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(KeepAlive) // if this fails, the system's slower probes remain
	}
	if t, ok := c.(syscall.Conn); ok && sendBuffer > 0 {
		if raw, err := t.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { // other sockets than TCP refuse it, and need no bound
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, sendBuffer)
			})
		}
	}
}
