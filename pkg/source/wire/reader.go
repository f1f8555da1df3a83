package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"camd/pkg/source/options"
)

// Reader receives messages. Not safe for concurrent use.
type Reader struct {
	r             *bufio.Reader
	unreadPicture int // bytes of the last Frame's picture not yet taken
	gotHello      bool
	scratch       [videoFrameHeaderSize]byte // for fixed fields; on the stack it would escape into r
}

// NewReader returns a reader from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 512)} }

// Next returns the next message. After a Frame, call ReadPicture or SkipPicture before Next. The error is io.EOF if the peer
// closed the stream between messages, else it says how the peer broke the protocol. Do not use the Reader after an error.
func (r *Reader) Next() (Message, error) {
	if r.unreadPicture > 0 {
		return nil, errors.New("wire: the picture before was not read")
	}
	head := r.scratch[:5]
	if _, err := io.ReadFull(r.r, head[:4]); err != nil {
		return nil, truncationError(err, io.EOF)
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size == 0 {
		return nil, errors.New("wire: empty message")
	}
	if _, err := io.ReadFull(r.r, head[4:]); err != nil {
		return nil, truncationError(err, io.ErrUnexpectedEOF)
	}
	kind := head[4]
	if !r.gotHello && kind != kindHello {
		return nil, fmt.Errorf("wire: message %q before hello", kind)
	}
	switch kind {
	case kindFrame:
		return r.readFrame(size - 1)
	case kindVideo:
		return r.readVideoFrame(size - 1)
	}
	if size > MaxMessage {
		return nil, fmt.Errorf("wire: message %q of %d bytes, more than %d", kind, size, MaxMessage)
	}
	body := make([]byte, size-1)
	if _, err := io.ReadFull(r.r, body); err != nil {
		return nil, truncationError(err, io.ErrUnexpectedEOF)
	}
	m, err := decode(kind, body)
	if err != nil {
		return nil, fmt.Errorf("wire: message %q: %w", kind, err)
	}
	r.gotHello = true
	return m, nil
}

// ReadPicture fills p, which must be Size bytes long, with the picture of the Frame that Next returned last.
func (r *Reader) ReadPicture(p []byte) error {
	if len(p) != r.unreadPicture {
		return fmt.Errorf("wire: buffer of %d bytes for a picture of %d", len(p), r.unreadPicture)
	}
	r.unreadPicture = 0
	if _, err := io.ReadFull(r.r, p); err != nil {
		return truncationError(err, io.ErrUnexpectedEOF)
	}
	return nil
}

// SkipPicture skips the picture of the Frame that Next returned last.
func (r *Reader) SkipPicture() error {
	n := int64(r.unreadPicture)
	r.unreadPicture = 0
	if _, err := io.CopyN(io.Discard, r.r, n); err != nil {
		return truncationError(err, io.ErrUnexpectedEOF)
	}
	return nil
}

// readFrameHeader reads the fixed fields of a frame, whose message has size bytes. The bytes are valid until the next call.
func (r *Reader) readFrameHeader(size uint32, fields int) ([]byte, error) {
	if size <= uint32(fields) || size > uint32(fields)+MaxFrame {
		return nil, fmt.Errorf("wire: frame of %d bytes, must have %d to %d", size, fields+1, fields+MaxFrame)
	}
	b := r.scratch[:fields]
	if _, err := io.ReadFull(r.r, b); err != nil {
		return nil, truncationError(err, io.ErrUnexpectedEOF)
	}
	r.unreadPicture = int(size) - fields
	return b, nil
}

func (r *Reader) readVideoFrame(size uint32) (Message, error) {
	b, err := r.readFrameHeader(size, videoFrameHeaderSize)
	if err != nil {
		return nil, err
	}
	if b[0]&^(flagKey|flagDisposable|flagLeading|flagHidden|flagLast) != 0 {
		return nil, fmt.Errorf("wire: video frame with the unknown flags %#x", b[0])
	}
	return VideoFrame{
		Captured:   int64(binary.BigEndian.Uint64(b[1:])),
		Count:      binary.BigEndian.Uint64(b[9:]),
		PTS:        time.Duration(binary.BigEndian.Uint64(b[17:])),
		DTS:        time.Duration(binary.BigEndian.Uint64(b[25:])),
		Key:        b[0]&flagKey != 0,
		Disposable: b[0]&flagDisposable != 0,
		Leading:    b[0]&flagLeading != 0,
		Hidden:     b[0]&flagHidden != 0,
		Last:       b[0]&flagLast != 0,
		Size:       r.unreadPicture,
	}, nil
}

func (r *Reader) readFrame(size uint32) (Message, error) {
	b, err := r.readFrameHeader(size, frameHeaderSize)
	if err != nil {
		return nil, err
	}
	return Frame{
		Rendition: b[0],
		Captured:  int64(binary.BigEndian.Uint64(b[1:])),
		Count:     binary.BigEndian.Uint64(b[9:]),
		Encode:    time.Duration(binary.BigEndian.Uint64(b[17:])),
		Size:      r.unreadPicture,
	}, nil
}

func decode(kind byte, body []byte) (Message, error) {
	switch kind {
	case kindHello:
		return decodeHello(body)
	case kindHeartbeat:
		if len(body) != 16 {
			return nil, fmt.Errorf("%d bytes, must be 16", len(body))
		}
		return Heartbeat{int64(binary.BigEndian.Uint64(body)), binary.BigEndian.Uint64(body[8:])}, nil
	case kindDemand:
		if len(body) != 10 || body[0] > options.MaxRenditions || body[1] > 1 || body[2] > 0x7f {
			return nil, fmt.Errorf("% x is not a rendition, a flag and a period", body)
		}
		return Demand{body[0], body[1] == 1, time.Duration(binary.BigEndian.Uint64(body[2:]))}, nil
	case kindStop:
		if len(body) != 0 {
			return nil, fmt.Errorf("%d bytes, must be none", len(body))
		}
		return Stop{}, nil
	case kindStart:
		return decodeJSON[Start](body)
	case kindOpened:
		return decodeJSON[Opened](body)
	case kindFormat:
		return decodeJSON[VideoFormat](body)
	case kindEnded:
		return decodeJSON[Ended](body)
	case kindSetControls:
		return decodeJSON[SetControls](body)
	case kindRefused:
		return decodeJSON[Refused](body)
	case kindControls:
		return decodeJSON[Controls](body)
	case kindRenditions:
		m, err := decodeJSON[Renditions](body)
		if r, ok := m.(Renditions); ok && len(r.List) > options.MaxRenditions {
			return nil, fmt.Errorf("%d renditions, more than %d", len(r.List), options.MaxRenditions)
		}
		return m, err
	}
	return nil, errors.New("unknown type")
}

func decodeHello(body []byte) (Message, error) {
	rest, isCamd := bytes.CutPrefix(body, []byte(magic))
	if !isCamd || len(rest) < 2 {
		return nil, errors.New("the program does not use the protocol of camd")
	}
	h := Hello{Version: binary.BigEndian.Uint16(rest)}
	// The version before the length: another version's hello may be longer.
	if h.Version != Version {
		return nil, fmt.Errorf("version must be %d, is %d: install camd and camd-capture of the same build", Version, h.Version)
	}
	if len(rest) != 2 {
		return nil, fmt.Errorf("%d bytes, must be %d", len(body), len(magic)+2)
	}
	return h, nil
}

func decodeJSON[M Message](body []byte) (Message, error) {
	var m M
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// truncationError returns the error for a failed read. An end of input inside a message becomes an error that wraps
// io.ErrUnexpectedEOF. at is io.EOF if the input may end here.
func truncationError(err, at error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) && errors.Is(at, io.ErrUnexpectedEOF) {
		return fmt.Errorf("wire: incomplete message: %w", io.ErrUnexpectedEOF)
	}
	return err
}
