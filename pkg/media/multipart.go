package media

import (
	"strconv"
	"time"
)

// Boundary separates the parts of a stream. The boundary, the headers of a part and their order are those of mjpg-streamer and ustreamer,
// because some clients accept no others. It needs no quotes, because many clients do not understand a quoted boundary.
const Boundary = "boundarydonotcross"

// ContentType is the media type of a stream (RFC 2046 section 5.1 for the syntax; x-mixed-replace is Netscape's, 1995).
const ContentType = "multipart/x-mixed-replace; boundary=" + Boundary

// Preamble opens a stream; parts follow it directly.
const Preamble = "--" + Boundary + "\r\n"

// closingBoundary ends a part and begins the next. It is sent with the part that it ends, because browsers paint a part only when the
// boundary after it arrives.
const closingBoundary = "\r\n--" + Boundary + "\r\n"

// NewPart returns the part of a stream for a picture: headers, picture and closing boundary in one slice. The result picture is
// the copy of jpeg within part.
func NewPart(jpeg []byte, captured time.Time) (part, picture []byte) {
	part, picture = AllocatePart(len(jpeg), captured)
	copy(picture, jpeg)
	return part, picture
}

// AllocatePart returns a part for a picture of n bytes that is yet to be read. The caller must fill picture, which is within part.
func AllocatePart(n int, captured time.Time) (part, picture []byte) {
	const fixed = "Content-Type: image/jpeg\r\nContent-Length: "
	var buf [64]byte // on the stack, so that the part is the only allocation
	size := strconv.AppendInt(buf[:0:20], int64(n), 10)
	timestamp := appendTimestamp(buf[20:20], captured)
	length := len(fixed) + len(size) + len("\r\nX-Timestamp: ") + len(timestamp) + len("\r\n\r\n") + n + len(closingBoundary)

	part = make([]byte, 0, length)
	part = append(part, fixed...)
	part = append(part, size...)
	part = append(part, "\r\nX-Timestamp: "...)
	part = append(part, timestamp...)
	part = append(part, "\r\n\r\n"...)
	begin := len(part)
	part = append(part[:begin+n], closingBoundary...)
	return part, part[begin : begin+n : begin+n]
}

// NormalizePart normalizes the picture within a part. It returns the part and the picture. If Normalize changed the picture, it
// builds a new part for it. Its error is always a *RefusedError.
func NormalizePart(part, picture []byte, captured time.Time, limits Limits) ([]byte, Picture, error) {
	p, err := Normalize(picture, limits)
	if err != nil {
		return nil, Picture{}, err
	}
	// Compare the addresses, too: the padding that is cut off may be as long as the tables that are inserted.
	if len(p.JPEG) != len(picture) || &p.JPEG[0] != &picture[0] {
		part, p.JPEG = NewPart(p.JPEG, captured)
	}
	return part, p, nil
}

// FormatTimestamp returns t as ustreamer and mjpg-streamer write it in X-Timestamp: seconds since 1970 with six decimals.
func FormatTimestamp(t time.Time) string { return string(appendTimestamp(nil, t)) }

func appendTimestamp(b []byte, t time.Time) []byte {
	micros := t.UnixMicro()
	if micros < 0 {
		b = append(b, '-')
		micros = -micros
	}
	b = strconv.AppendInt(b, micros/1e6, 10)
	// A leading 1 keeps the zeros; the point then replaces it.
	point := len(b)
	b = strconv.AppendInt(b, 1e6+micros%1e6, 10)
	b[point] = '.'
	return b
}
