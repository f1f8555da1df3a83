package capture

import (
	"encoding/binary"
	"errors"
	"fmt"

	"camd/pkg/media"
	"camd/pkg/media/fmp4"
	"camd/pkg/source/wire"
)

// inputReader takes the frames that camd sends to be decoded. It belongs to the goroutine that reads commands.
type inputReader struct {
	queue     *inputQueue
	maxBytes  int // of a JPEG
	countLoss func(cause string, size int64)
	format    *wire.VideoFormat
}

// errNoFormat ends the session: camd must send a format in front of the first video frame.
var errNoFormat = errors.New("a video frame without a format")

// handle handles a message. It returns false if the message is no frame and no format.
func (r *inputReader) handle(commands *wire.Reader, m wire.Message) (isFrame bool, err error) {
	switch m := m.(type) {
	case wire.VideoFormat:
		return true, r.setFormat(m)
	case wire.VideoFrame:
		return true, r.readVideo(commands, m)
	case wire.Frame:
		return true, r.readJPEG(commands, m)
	}
	return false, nil
}

// setFormat sets the format of the video frames that follow.
func (r *inputReader) setFormat(f wire.VideoFormat) error {
	if f.Codec != "h264" && f.Codec != "h265" {
		return fmt.Errorf("a video format with the codec %q", f.Codec)
	}
	f.Init = nil // parameter sets are in front of keyframes
	r.format = &f
	return nil
}

// readJPEG reads the picture that follows the header f.
func (r *inputReader) readJPEG(commands *wire.Reader, f wire.Frame) error {
	if f.Size > r.maxBytes {
		r.countLoss(media.TooLarge, int64(f.Size))
		return commands.SkipPicture()
	}
	b := make([]byte, f.Size)
	if err := commands.ReadPicture(b); err != nil {
		return err
	}
	r.queue.push(inputFrame{data: b, captured: f.Captured, count: f.Count, isKey: true, arrived: monotonic()})
	return nil
}

// readVideo reads the fragment that follows the header f.
func (r *inputReader) readVideo(commands *wire.Reader, f wire.VideoFrame) error {
	if r.format == nil {
		return errNoFormat
	}
	if f.Size > maxInputBytes {
		r.queue.lose(media.TooLarge)
		return commands.SkipPicture()
	}
	b := make([]byte, f.Size)
	if err := commands.ReadPicture(b); err != nil {
		return err
	}
	if !toAnnexB(b) {
		r.queue.lose(media.Damaged)
		return nil
	}
	r.queue.push(inputFrame{format: r.format, data: b[fmp4.HeadSize-clusterRoom:], captured: f.Captured, count: f.Count,
		isKey: f.Key, isLeading: f.Leading, isHidden: f.Hidden, isLast: f.Last, arrived: monotonic()})
	return nil
}

// toAnnexB replaces the length in front of each NAL unit of a fragment by a start code, which also has 4 bytes. It returns false if the lengths
// are wrong.
func toAnnexB(fragment []byte) bool {
	if len(fragment) <= fmp4.HeadSize {
		return false
	}
	for b := fragment[fmp4.HeadSize:]; len(b) > 0; {
		if len(b) < 4 {
			return false
		}
		n := binary.BigEndian.Uint32(b)
		if n == 0 || uint64(n) > uint64(len(b)-4) {
			return false
		}
		binary.BigEndian.PutUint32(b, 1)
		b = b[4+n:]
	}
	return true
}
