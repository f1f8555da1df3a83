package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Writer sends messages. Not safe for concurrent use.
type Writer struct {
	w    io.Writer
	both bothWriter // w, if it can write two parts at once; else nil
	buf  []byte
}

// bothWriter writes a and then b in one system call. It returns an error unless it writes both.
type bothWriter interface {
	WriteBoth(a, b []byte) (n int, err error)
}

// NewWriter returns a Writer to w. It does not buffer: each message is one write. The picture of a frame is another one, unless w has the method
// WriteBoth of a rawcall.Writer.
func NewWriter(w io.Writer) *Writer {
	both, _ := w.(bothWriter)
	return &Writer{w: w, both: both}
}

// Write sends a message other than Frame and VideoFrame.
func (w *Writer) Write(m Message) error {
	b := append(w.buf[:0], 0, 0, 0, 0, m.kind())
	switch m := m.(type) {
	case Hello:
		b = append(b, magic...)
		b = binary.BigEndian.AppendUint16(b, m.Version)
	case Heartbeat:
		b = binary.BigEndian.AppendUint64(b, uint64(m.Captured))
		b = binary.BigEndian.AppendUint64(b, m.Count)
	case Demand:
		b = binary.BigEndian.AppendUint64(append(b, m.Rendition, boolByte(m.Wanted)), uint64(m.Period))
	case Stop:
	case Start, Opened, VideoFormat, Ended, SetControls, Controls, Renditions, Refused:
		body, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("wire: %w", err)
		}
		b = append(b, body...)
	default:
		panic(fmt.Sprintf("wire: Write of %T", m))
	}
	if size := len(b) - 4; size > MaxMessage {
		return fmt.Errorf("wire: message %q of %d bytes, more than %d", m.kind(), size, MaxMessage)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	w.buf = b
	_, err := w.w.Write(b)
	return err
}

// WriteFrame sends a picture. It ignores f.Size and sends the size of the picture.
func (w *Writer) WriteFrame(f Frame, picture []byte) error {
	if n := len(picture); n < 1 || n > MaxFrame {
		return fmt.Errorf("wire: picture of %d bytes, must have 1 to %d", n, MaxFrame)
	}
	b := w.beginFrame(frameHeaderSize, len(picture))
	b = append(b, kindFrame, f.Rendition)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Captured))
	b = binary.BigEndian.AppendUint64(b, f.Count)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Encode))
	return w.writeFrame(b, picture)
}

// Flags of a VideoFrame.
const (
	flagKey = 1 << iota
	flagDisposable
	flagLeading
	flagHidden
	flagLast
)

// WriteVideoFrame sends a frame of video with its fragment. It ignores f.Size and sends the size of the fragment.
func (w *Writer) WriteVideoFrame(f VideoFrame, fragment []byte) error {
	if n := len(fragment); n < 1 || n > MaxFrame {
		return fmt.Errorf("wire: video frame of %d bytes, must have 1 to %d", n, MaxFrame)
	}
	b := w.beginFrame(videoFrameHeaderSize, len(fragment))
	b = append(b, kindVideo, boolByte(f.Key)*flagKey|boolByte(f.Disposable)*flagDisposable|boolByte(f.Leading)*flagLeading|
		boolByte(f.Hidden)*flagHidden|boolByte(f.Last)*flagLast)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Captured))
	b = binary.BigEndian.AppendUint64(b, f.Count)
	b = binary.BigEndian.AppendUint64(b, uint64(f.PTS))
	b = binary.BigEndian.AppendUint64(b, uint64(f.DTS))
	return w.writeFrame(b, fragment)
}

// beginFrame returns the length of a frame's message, in the writer's buffer.
func (w *Writer) beginFrame(fields, size int) []byte {
	return binary.BigEndian.AppendUint32(w.buf[:0], uint32(1+fields+size))
}

// writeFrame sends a frame's header and then its data. It does not copy the data behind the header, because that is dearer than a write.
func (w *Writer) writeFrame(header, data []byte) error {
	w.buf = header
	if w.both != nil {
		_, err := w.both.WriteBoth(header, data)
		return err
	}
	if _, err := w.w.Write(header); err != nil {
		return err
	}
	_, err := w.w.Write(data)
	return err
}

// magic begins the payload of Hello, so that a peer of another protocol is recognized at once.
const magic = "camd"

func boolByte(on bool) byte {
	if on {
		return 1
	}
	return 0
}
