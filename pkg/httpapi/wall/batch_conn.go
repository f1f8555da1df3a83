package wall

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
)

// The first byte of a frame: the final one of its message, and its opcode (RFC 6455, section 5.2).
const (
	frameText   = 0x81
	frameBinary = 0x82
	frameClose  = 0x88
)

// maxBatch is how many bytes of frames go to the kernel in one write, and one message more. Between two writes the session reads what the
// client has sent meanwhile.
const maxBatch = 128 << 10

// maxPending bounds what waits for a write in progress: control frames, which the limit of messages bounds per second only.
const maxPending = 2*maxBatch + maxPiece

var errPending = errors.New("too many control frames wait for a slow client")

// batchConn collects the messages of a round, and writes them to the connection in one write. The WebSocket library would make a write and
// allocations for each message, so the session adds its messages here as frames of RFC 6455. The library writes only control frames. They
// do not wait for a write of the session: they join what is pending.
type batchConn struct {
	*progressConn

	mu             sync.Mutex
	idle           sync.Cond // writing has become false
	isCollecting   bool      // a round is being collected
	isWriting      bool      // a goroutine writes without holding mu
	isClosing      bool      // a close frame has been sent, so no message may follow
	pending, spare []byte    // whole frames to be written next, and the buffer of the write before
	err            error     // of the first write that failed
}

func newBatchConn(c *progressConn) *batchConn {
	b := &batchConn{progressConn: c}
	b.idle.L = &b.mu
	return b
}

// collect keeps what is written from now on until flush.
func (b *batchConn) collect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isCollecting = true
}

// flush writes all that was collected. It returns when the connection has taken it.
func (b *batchConn) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isCollecting = false
	for b.isWriting { // a control frame
		b.idle.Wait()
	}
	return b.writePending()
}

// addMessage adds a message, whose bytes are those of head and then of payload, to the batch. It copies them.
func (b *batchConn) addMessage(first byte, head, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := len(head) + len(payload)
	switch {
	case b.err != nil:
		return b.err
	case b.isClosing:
		return net.ErrClosed
	case size <= 125:
		b.pending = append(b.pending, first, byte(size))
	case size <= 0xffff:
		b.pending = binary.BigEndian.AppendUint16(append(b.pending, first, 126), uint16(size))
	default:
		b.pending = binary.BigEndian.AppendUint64(append(b.pending, first, 127), uint64(size))
	}
	b.pending = append(append(b.pending, head...), payload...)
	return nil
}

// Write implements net.Conn for the control frames of the library. Each frame is one call. It copies p.
func (b *batchConn) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return 0, b.err
	case len(b.pending)+len(p) > maxPending:
		return 0, errPending
	}
	b.isClosing = b.isClosing || p[0] == frameClose
	b.pending = append(b.pending, p...)
	if b.isCollecting || b.isWriting { // the goroutine that does it looks for more before it ends
		return len(p), nil
	}
	if err := b.writePending(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writePending writes until nothing is pending. b.mu must be held, and nobody else may write. It is released during each write.
func (b *batchConn) writePending() error {
	for len(b.pending) > 0 && b.err == nil && !b.isCollecting {
		batch := b.pending
		b.pending, b.spare = b.spare[:0], nil
		b.isWriting = true
		b.mu.Unlock()
		_, err := b.progressConn.Write(batch)
		b.mu.Lock()
		b.isWriting, b.spare, b.err = false, batch, err
	}
	b.idle.Broadcast()
	return b.err
}

// isBusy reports whether a write waits for the client.
func (b *batchConn) isBusy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isWriting
}
