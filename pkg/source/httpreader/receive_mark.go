package httpreader

import (
	"net"
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"

	"camd/internal/rawcall"
)

const (
	maxReceiveMark = 256 << 10 // bounds the kernel's memory: it reserves twice as much
	minReceiveMark = 4 << 10   // for less, it is not worth a system call
	transportBytes = 4 << 10   // http.Transport's own buffer, which may hold the beginning of a chunk
)

// receiveMark says how many bytes must arrive before the kernel wakes the reader (SO_RCVLOWAT, see socket(7)). Otherwise it wakes the reader
// for nearly every packet, about sixty times for a picture of 100 KB. A lost connection always wakes the reader.
type receiveMark struct {
	conn  syscall.RawConn
	slack int // bytes that may be in the transport's buffer and not in the socket
	mark  int // what is set
}

// newReceiveMark returns the receiveMark for the body of a response over a connection. It returns nil for TLS, whose records hide how many
// bytes come.
func newReceiveMark(conn net.Conn, response *http.Response) *receiveMark {
	plain, ok := conn.(*rawcall.Conn)
	if !ok {
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	m := &receiveMark{conn: raw, mark: 1} // the kernel's default
	if len(response.TransferEncoding) > 0 {
		m.slack = transportBytes
	}
	return m
}

// expect sets the mark for the bytes that are missing to a picture's end; 0 means that they are unknown.
func (m *receiveMark) expect(missing int) {
	mark := min(missing-m.slack, maxReceiveMark)
	if mark < minReceiveMark {
		mark = 1
	}
	if mark == m.mark {
		return
	}
	m.mark = mark
	_ = m.conn.Control(m.apply) // without it, the reader wakes more often
}

func (m *receiveMark) apply(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, m.mark)
}
