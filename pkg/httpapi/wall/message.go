package wall

import (
	"encoding/binary"

	"camd/pkg/broker"
)

// Version of the protocol, and of the layout of binary messages.
const Version = 2

// Flags of a binary message.
const (
	flagPlaceholder = 1 << iota // the picture is one that camd drew
	flagKey                     // decoding can begin with this frame
	flagCatchUp                 // there are newer frames already
)

const (
	headerLength = 40       // bytes in front of a piece of a frame
	maxPiece     = 32 << 10 // bytes of a binary message, with its header
)

// clientMessage is a message from the client.
type clientMessage struct {
	Type    string            `json:"type"`              // hello, subscribe, unsubscribe, ack, failed, pause or resume
	Decodes []string          `json:"decodes,omitempty"` // hello
	Camera  string            `json:"camera,omitempty"`  // subscribe and unsubscribe
	View    string            `json:"view,omitempty"`    // subscribe; empty is grid
	Seen    map[uint16]uint64 `json:"seen,omitempty"`    // ack: the newest frame of each stream that the client has finished with
	Stream  uint16            `json:"stream,omitempty"`  // failed
}

// serverMessage is a text message to the client, except for streamMessage.
type serverMessage struct {
	Type    string `json:"type"` // hello, subscribed, unsubscribed, clear, alive or error
	Version int    `json:"version,omitempty"`
	Camera  string `json:"camera,omitempty"`
	View    string `json:"view,omitempty"`
	Message string `json:"message,omitempty"` // error, and unsubscribed without a request: for people
}

// streamMessage announces a stream.
type streamMessage struct {
	Type   string `json:"type"` // stream
	Camera string `json:"camera"`
	Stream uint16 `json:"stream"`
	Track  string `json:"track"`
	Codec  string `json:"codec"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Init   []byte `json:"init,omitempty"`
	Reason string `json:"reason"`
}

// jpegCodec is the codec of a stream of JPEGs.
const jpegCodec = "jpeg"

// appendHeader appends the header in front of the piece of a frame that begins at offset. Numbers are big-endian.
func appendHeader(b []byte, stream uint16, f *broker.Frame, offset int, isCatchUp bool) []byte {
	flags := byte(0)
	if f.Placeholder {
		flags |= flagPlaceholder
	}
	if f.Key {
		flags |= flagKey
	}
	if isCatchUp {
		flags |= flagCatchUp
	}
	b = append(b, Version, flags)
	b = binary.BigEndian.AppendUint16(b, stream)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Data)))
	b = binary.BigEndian.AppendUint32(b, uint32(offset))
	b = binary.BigEndian.AppendUint64(b, f.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Captured.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(f.PTS.Microseconds()))
	return binary.BigEndian.AppendUint32(b, uint32(int32((f.PTS - f.DTS).Microseconds())))
}
