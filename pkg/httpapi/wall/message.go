package wall

import (
	"encoding/binary"

	"camd/pkg/broker"
)

// Version of the binary messages.
const Version = 1

// Flags of a binary message.
const flagPlaceholder = 1

// fixedHeaderLength is the length of a header before the names.
const fixedHeaderLength = 28

// clientMessage is a message from the client.
type clientMessage struct {
	Type      string `json:"type"` // subscribe, unsubscribe, ack, pause or resume
	Camera    string `json:"camera"`
	Rendition string `json:"rendition"` // subscribe; empty is preview
	Seq       uint64 `json:"seq"`       // ack

	Seen map[string]uint64 `json:"seen"` // ack: of several cameras at once
}

// serverMessage is a text message to the client.
type serverMessage struct {
	Type      string `json:"type"` // hello, subscribed, unsubscribed, alive or error
	Version   int    `json:"version,omitempty"`
	Camera    string `json:"camera,omitempty"`
	Rendition string `json:"rendition,omitempty"`
	Message   string `json:"message,omitempty"` // error, and unsubscribed unasked: for people
}

// appendHeader appends the header that precedes a picture's JPEG in its message. Numbers are big-endian.
func appendHeader(b []byte, camera, rendition string, f *broker.Frame) []byte {
	flags := byte(0)
	if f.Placeholder {
		flags |= flagPlaceholder
	}
	b = append(b, Version, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(fixedHeaderLength+len(camera)+len(rendition))) // where the JPEG begins
	b = binary.BigEndian.AppendUint64(b, f.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Captured.UnixMicro()))
	b = binary.BigEndian.AppendUint16(b, uint16(f.Format.Width))
	b = binary.BigEndian.AppendUint16(b, uint16(f.Format.Height))
	b = binary.BigEndian.AppendUint16(b, uint16(len(camera)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(rendition)))
	return append(append(b, camera...), rendition...)
}
