package capture

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"camd/pkg/media"
	"camd/pkg/media/matroska"
	"camd/pkg/source/wire"
)

// pipeSize is the size of the pipe to FFmpeg in bytes. Each frame is padded to it, so that the pipe never has more than two.
const pipeSize = 16 << 10

// clusterRoom is how many bytes of an inputFrame are in front of the video.
const clusterRoom = matroska.ClusterHeadSize

// pipeOptions are FFmpeg's options for a pipe. Opening it takes one frame: there is nothing to guess. The option nobuffer would lose
// that frame.
const pipeOptions = "input_format;matroska|probesize;32|analyzeduration;0|fpsprobesize;0|max_ts_probe;0|" +
	"protocol_whitelist;pipe|format_whitelist;matroska|codec_whitelist;h264,hevc"

// videoPipe is a Matroska stream in a pipe, and the VideoCapture that reads it. A goroutine writes frames to the pipe. It ends when the format
// changes, when a keyframe does not continue the frames before, after the last frame, when the decoder is given up, or with the context.
//
// At the end of the pipe, FFmpeg returns the pictures that it holds back for reordering. The next decoder starts without pictures, so none of
// its pictures are made from frames of another place in the video.
type videoPipe struct {
	vc        *gocv.VideoCapture
	isOpened  bool
	grabbed   float64     // pictures, by OpenCV's count
	firstSize image.Point // of the first picture

	queue     *inputQueue
	progress  *inputProgress
	format    *wire.VideoFormat
	reader    int // file descriptor, which FFmpeg does not close
	writer    *os.File
	cancel    context.CancelFunc
	ended     atomic.Bool   // nothing more will be written
	closed    chan struct{} // closed when the writing goroutine has ended
	following *inputFrame   // with which the next pipe begins; nil if the next keyframe does; valid after closed
	padded    []byte        // memory for small frames
	keyframes int           // that were taken
}

// openVideoPipe opens a pipe that begins with a frame. isOpened is false if OpenCV cannot open it. The caller must close the pipe also then.
func openVideoPipe(ctx context.Context, queue *inputQueue, progress *inputProgress, first inputFrame) (*videoPipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe to the decoder: %w", err)
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize) // a larger pipe only means more delay
	_ = unix.SetNonblock(fds[1], true)                                 // so that closing the writer ends a write
	ctx, cancel := context.WithCancel(ctx)
	p := &videoPipe{queue: queue, progress: progress, format: first.format, reader: fds[0], writer: os.NewFile(uintptr(fds[1]), "decoder"),
		cancel: cancel, closed: make(chan struct{})}
	go p.feed(ctx, first)
	if err := os.Setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", pipeOptions); err != nil {
		p.close()
		return nil, fmt.Errorf("set FFmpeg's options: %w", err)
	}
	currentChecker.Store(&connectionChecker{}) // allows no connection
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	withLowDelay(func() {
		var err error
		// A camera may send a frame a minute, and closing the pipe ends a read. With a timeout of 0, which should mean none, OpenCV 4.6
		// reads memory that it has not set, and then sometimes every read fails.
		p.vc, err = gocv.VideoCaptureFileWithAPIParams(fmt.Sprintf("pipe:%d", p.reader), gocv.VideoCaptureFFmpeg,
			[]gocv.VideoCaptureProperties{openTimeoutProperty, math.MaxInt32, readTimeoutProperty, math.MaxInt32})
		p.isOpened = err == nil
	})
	return p, nil
}

// grab decodes the next picture. It returns false if FFmpeg refused a frame, and at the end.
func (p *videoPipe) grab() bool {
	if p.vc.Grab(1) != nil {
		return false
	}
	position := p.vc.Get(gocv.VideoCapturePosFrames)
	isNew := position > p.grabbed
	p.grabbed = max(position, p.grabbed)
	return isNew
}

// hasEnded reports whether nothing more will be written to the pipe.
func (p *videoPipe) hasEnded() bool { return p.ended.Load() }

// close ends the goroutine and frees everything. It returns the frame with which the next pipe begins, nil for the next keyframe.
func (p *videoPipe) close() *inputFrame {
	hasReturnedAll := p.hasEnded() || !p.isOpened
	p.cancel()
	<-p.closed
	if p.vc != nil {
		_ = p.vc.Close()
	}
	_ = unix.Close(p.reader)
	p.progress.endPipe(hasReturnedAll, p.format.Codec)
	return p.following
}

// feed writes frames until one does not continue those before.
func (p *videoPipe) feed(ctx context.Context, f inputFrame) {
	defer close(p.closed)
	defer p.writer.Close()
	defer p.ended.Store(true) // before the writer is closed: a grab that fails at the end must see it
	unblock := context.AfterFunc(ctx, func() { _ = p.writer.Close() })
	defer unblock()
	width, height := p.format.Width, p.format.Height
	if _, err := p.writer.Write(matroska.AppendHeader(nil, matroskaCodec(p.format), width, height)); err != nil {
		return
	}
	for p.write(f) && !f.isLast {
		before := f.count
		var err error
		if f, err = p.queue.take(ctx); err != nil {
			return
		}
		if f.isKey && !(f.count == before+1 && sameDecoder(f.format, p.format)) {
			p.following = &f
			return
		}
	}
}

// write writes a frame. It leaves out those that refer to frames in front of the first.
func (p *videoPipe) write(f inputFrame) bool {
	if f.isKey {
		p.keyframes++
	}
	if f.isLeading && p.keyframes == 1 {
		p.queue.refuse(media.Lost, 1)
		return true
	}
	number, ok := p.progress.begin(f)
	if !ok {
		return false
	}
	matroska.AppendClusterHead(f.data[:0], number, f.isKey, len(f.data)-clusterRoom)
	b := f.data
	if missing := pipeSize - len(b); missing > 0 {
		p.padded = matroska.AppendVoid(append(slices.Grow(p.padded[:0], 2*pipeSize), b...), missing)
		b = p.padded
	}
	_, err := p.writer.Write(b)
	return err == nil
}

// sameDecoder reports whether a keyframe of the format next can go to the decoder of the format f. Parameter sets that only make the order of
// frames known, or that camd has not seen before, are in front of it.
func sameDecoder(next, f *wire.VideoFormat) bool {
	return next == f || next != nil && f != nil && next.Codec == f.Codec && next.CodecString == f.CodecString &&
		next.Width == f.Width && next.Height == f.Height
}

func matroskaCodec(f *wire.VideoFormat) matroska.Codec {
	if f.Codec == "h265" {
		return matroska.H265
	}
	return matroska.H264
}
