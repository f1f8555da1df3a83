package mqtt

import (
	"fmt"
	"net"
)

// maxPacketSize is the largest packet that the broker may send, in bytes. camd subscribes to nothing larger than a camera's state. The
// protocol allows 256 MiB.
const maxPacketSize = 256 << 10

// limitedConn is a connection whose reads fail at a packet that is larger than maxPacketSize, before its body is read (MQTT 5.0, 2.1.1).
type limitedConn struct {
	net.Conn
	length    uint64 // of the packet, as far as its digits have been read
	shift     uint   // of the next digit; each digit has 7 bits, and the least significant comes first
	inLength  bool
	remaining uint64 // bytes of the packet that have not been read
}

func (l *limitedConn) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	for b := p[:n]; len(b) > 0; {
		switch {
		case l.remaining > 0:
			skip := min(l.remaining, uint64(len(b)))
			l.remaining -= skip
			b = b[skip:]
			continue
		case !l.inLength: // b[0] is the packet's type
			l.length, l.shift, l.inLength = 0, 0, true
		default:
			l.length |= uint64(b[0]&127) << l.shift
			l.shift += 7
			if l.length > maxPacketSize || l.shift > 28 {
				return 0, fmt.Errorf("the broker sends a packet of more than %d bytes", maxPacketSize)
			}
			if b[0]&128 == 0 {
				l.inLength, l.remaining = false, l.length
			}
		}
		b = b[1:]
	}
	return n, err
}
