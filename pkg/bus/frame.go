package bus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"camd/pkg/broker"
	"camd/pkg/camera"
)

// MaxFrame is the largest picture that goes over the bus, in bytes. An 8K JPEG at quality 100 stays below it.
const MaxFrame = 32 << 20

const (
	maxPieces    = 256
	headerRoom   = 512     // bytes of a message that are kept free for a frame's headers
	maxPieceSize = 1 << 20 // even if the server takes larger messages: other servers on the way may not, and splitting is cheap
)

// The headers of a frame. Other programs may read them, too. A picture in one piece is a plain JPEG. A larger picture is sent as
// several messages with the same number, in order.
const (
	headerFrom  = "Camd-From"  // the instance, a slash and its stream's number; each stream counts its frames separately
	headerSeq   = "Camd-Seq"   // the frame's number in the ring that it was published from
	headerTime  = "Camd-Time"  // when the picture was taken, RFC 3339
	headerSize  = "Camd-Size"  // 1280x720
	headerState = "Camd-State" // the camera's: live, or what the placeholder says
	headerPiece = "Camd-Piece" // 2/3; absent means 1/1
	headerBytes = "Camd-Bytes" // of the whole picture, if it is in pieces
)

// header is the parsed headers of a picture or a piece of one.
type header struct {
	instance      string
	stream        uint64
	seq           uint64
	taken         time.Time
	width, height int
	state         camera.State
	piece, pieces int // from 1
	bytes         int // of the whole picture
}

// frameHeader returns the headers of a frame's first piece.
func frameHeader(f *broker.Frame, from string, state camera.State, pieces int) nats.Header {
	h := nats.Header{
		headerFrom:  {from},
		headerSeq:   {strconv.FormatUint(f.Seq, 10)},
		headerTime:  {f.Captured.UTC().Format(time.RFC3339Nano)},
		headerSize:  {strconv.Itoa(f.Format.Width) + "x" + strconv.Itoa(f.Format.Height)},
		headerState: {string(state)},
	}
	if pieces > 1 {
		h[headerPiece] = []string{"1/" + strconv.Itoa(pieces)}
		h[headerBytes] = []string{strconv.Itoa(len(f.Data))}
	}
	return h
}

// splitFrame returns in how many pieces a picture of n bytes is sent, and the size of each piece but the last.
func splitFrame(n int, maxPayload int64) (pieces, size int, err error) {
	room := int(min(maxPayload-headerRoom, maxPieceSize))
	if n > MaxFrame || room <= 0 || (n+room-1)/room > maxPieces {
		return 0, 0, fmt.Errorf("a picture of %d bytes is too large for the bus: must be at most %d bytes, and fit into %d messages of max_payload (%d bytes)", n, MaxFrame, maxPieces, maxPayload)
	}
	pieces = (n + room - 1) / room
	// All pieces have the same size, so that a receiver can check the sizes of the others.
	return pieces, pieceSize(n, pieces), nil
}

// pieceSize returns the size of each piece but the last of a picture of n bytes.
func pieceSize(n, pieces int) int { return (n + pieces - 1) / pieces }

var errHeader = errors.New("invalid headers of a frame")

// readHeader parses and checks the headers of a message with n bytes of a picture.
func readHeader(h nats.Header, n int) (r header, err error) {
	instance, stream, found := strings.Cut(headerValue(h, headerFrom), "/")
	r.instance = instance
	if !found || !isInstance(instance) {
		return r, errHeader
	}
	if r.stream, err = strconv.ParseUint(stream, 10, 64); err != nil {
		return r, errHeader
	}
	if r.seq, err = strconv.ParseUint(headerValue(h, headerSeq), 10, 63); err != nil || r.seq == 0 {
		return r, errHeader
	}
	if r.taken, err = time.Parse(time.RFC3339Nano, headerValue(h, headerTime)); err != nil {
		return r, errHeader
	}
	if r.width, r.height, err = parsePair(headerValue(h, headerSize), "x", 1<<16); err != nil {
		return r, errHeader
	}
	if r.state = camera.State(headerValue(h, headerState)); r.state == "" {
		return r, errHeader
	}
	r.piece, r.pieces, r.bytes = 1, 1, n
	if p := headerValue(h, headerPiece); p != "" {
		if r.piece, r.pieces, err = parsePair(p, "/", maxPieces); err != nil {
			return r, errHeader
		}
		if r.bytes, err = strconv.Atoi(headerValue(h, headerBytes)); err != nil {
			return r, errHeader
		}
	}
	return r, r.check(n)
}

// check returns errHeader unless n is the size of this piece of the picture.
func (h header) check(n int) error {
	if h.bytes < 1 || h.bytes > MaxFrame || h.piece > h.pieces || h.pieces > h.bytes {
		return errHeader
	}
	want := pieceSize(h.bytes, h.pieces)
	if h.piece == h.pieces {
		want = h.bytes - want*(h.pieces-1)
	}
	if n != want {
		return errHeader
	}
	return nil
}

// headerValue returns the value of a header, or "" unless it has exactly one.
func headerValue(h nats.Header, key string) string {
	if v := h[key]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// parsePair parses two numbers from 1 to most with the text between in the middle.
func parsePair(s, between string, most int) (a, b int, err error) {
	left, right, _ := strings.Cut(s, between)
	if a, err = strconv.Atoi(left); err != nil {
		return 0, 0, err
	}
	if b, err = strconv.Atoi(right); err != nil {
		return 0, 0, err
	}
	if a < 1 || b < 1 || a > most || b > most {
		return 0, 0, errHeader
	}
	return a, b, nil
}
