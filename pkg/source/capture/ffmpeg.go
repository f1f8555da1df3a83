package capture

import (
	"cmp"
	"context"
	"image"
	"math"
	"runtime"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// Properties of FFmpeg for opening, in milliseconds. gocv has no names for them.
const (
	openTimeoutProperty = gocv.VideoCaptureProperties(53)
	readTimeoutProperty = gocv.VideoCaptureProperties(54)
)

// rawPackets is the value of the property FORMAT that makes OpenCV hand out packets as they are.
const rawPackets = -1

// ffmpegOptions returns FFmpeg's options in the form that OpenCV parses: key;value|key;value.
func ffmpegOptions(kind sourceurl.Kind, transport string) string {
	if kind != sourceurl.RTSP {
		return ""
	}
	if transport != "udp" {
		transport = "tcp"
	}
	// camd does not use a camera's sound. FFmpeg needs three pictures to find the rate. By default it reads twenty first,
	// and the first picture is then more than half a second late.
	return "rtsp_transport;" + transport + "|allowed_media_types;video|fpsprobesize;3"
}

// ffmpegSource is a file or network stream that OpenCV reads with FFmpeg.
type ffmpegSource struct {
	vc        *gocv.VideoCapture
	found     wire.Opened
	timeout   time.Duration // of a read
	grabbed   float64       // pictures grabbed, by OpenCV's count
	firstSize image.Point   // of the first picture; zero for what is not decoded
	slow      bool          // the newest read took about as long as its timeout
	pending   bool          // the newest picture was grabbed for a check and has not been delivered

	checker *connectionChecker
}

// errOpen is the failure of OpenCV to open a source. It has no cause: OpenCV reports none, and gocv's error contains the password.
var errOpen = newFailure(camera.BadStream, "OpenCV cannot open the source")

// errNoPicture is the failure of a source that opens but delivers no picture.
var errNoPicture = newFailure(camera.BadStream, "the source opened, but delivered no picture")

// How tryFFmpeg reads a source that is declared as MJPEG.
const (
	passMJPEG   = true  // pictures pass as they are
	decodeMJPEG = false // pictures are decoded and encoded again
)

// openFFmpeg opens an address and reads the first picture. MJPEG passes through without decoding. options are FFmpeg's, in the form of
// OPENCV_FFMPEG_CAPTURE_OPTIONS. rules apply to its connections; they are nil for a file, which may make none.
func openFFmpeg(address, options string, rules *serverRules, start wire.Start) (*ffmpegSource, error) {
	f, err := tryFFmpeg(address, options, rules, start, passMJPEG)
	if err == nil || f == nil {
		return f, err
	}
	// The source may be declared as MJPEG and contain no JPEG: try again with decoding.
	f.close()
	f, err = tryFFmpeg(address, options, rules, start, decodeMJPEG)
	if err != nil && f != nil {
		f.close()
		f = nil
	}
	return f, err
}

// tryFFmpeg opens an address as openFFmpeg does. passthrough is passMJPEG or decodeMJPEG. If an error comes after opening,
// tryFFmpeg returns the source too, and the caller must close it.
func tryFFmpeg(address, options string, rules *serverRules, start wire.Start, passthrough bool) (*ffmpegSource, error) {
	connections, err := configureFFmpeg(rules, options)
	if err != nil {
		return nil, err
	}
	vc, err := gocv.VideoCaptureFileWithAPIParams(address, gocv.VideoCaptureFFmpeg, []gocv.VideoCaptureProperties{
		openTimeoutProperty, milliseconds(start.OpenTimeout), readTimeoutProperty, milliseconds(start.ReadTimeout)})
	if err != nil {
		_ = vc.Close()
		return nil, cmp.Or(connections.refusal(), error(errOpen))
	}
	f := &ffmpegSource{vc: vc, timeout: start.ReadTimeout, pending: true, checker: connections}
	if err := connections.checkVerified(); err != nil {
		f.close()
		return nil, err
	}
	f.found = wire.Opened{
		Backend: "FFMPEG",
		Codec:   codecName(vc.Get(gocv.VideoCaptureFOURCC)),
		Width:   int(vc.Get(gocv.VideoCaptureFrameWidth)),
		Height:  int(vc.Get(gocv.VideoCaptureFrameHeight)),
		FPS:     validFPS(vc.Get(gocv.VideoCaptureFPS)),
	}
	if f.found.Codec == "mjpeg" && passthrough {
		f.found.Passthrough = true
		vc.Set(gocv.VideoCaptureFormat, rawPackets)
	}
	if err := f.grab(); err != nil {
		return f, cmp.Or(connections.refusal(), error(errNoPicture))
	}
	if f.found.Passthrough && !f.holdsJPEG() {
		return f, newFailure(camera.BadStream, "the stream is declared as MJPEG, but contains no JPEG")
	}
	return f, nil
}

func (f *ffmpegSource) opened() wire.Opened { return f.found }

func (f *ffmpegSource) next(context.Context, *gocv.Mat) error {
	if f.pending {
		f.pending = false
		return nil
	}
	return f.grab()
}

func (f *ffmpegSource) retrieve(m *gocv.Mat) bool { return f.vc.Retrieve(m) }

func (f *ffmpegSource) close() { _ = f.vc.Close() }

// grab takes the next picture without converting it. Converting is a quarter of the work for H.264, and for MJPEG it is a
// copy. gocv does not report whether OpenCV grabbed a picture, but OpenCV's count of pictures shows it. (If OpenCV threw an
// exception, gocv's Grab would read freed memory. This backend does not throw unless exceptions are turned on.)
func (f *ffmpegSource) grab() error {
	runtime.LockOSThread() // for checkSize
	defer runtime.UnlockOSThread()
	began := time.Now()
	if err := f.vc.Grab(1); err != nil {
		return newFailure(camera.BadStream, "%v", err)
	}
	// After a timeout the decoder may still return a picture from its buffer. The read after that fails at once.
	wasSlow := f.slow
	f.slow = time.Since(began) >= f.timeout*9/10
	position := f.vc.Get(gocv.VideoCapturePosFrames)
	switch {
	case position > f.grabbed:
		f.grabbed = position
		return f.checkSize(decodedSize())
	case f.checker.refusal() != nil:
		return f.checker.refusal()
	case f.slow || wasSlow:
		return newFailure(camera.Timeout, "no picture for %v", f.timeout)
	}
	return errStreamEnded
}

// checkSize returns a failure if the picture that was just grabbed has another size than the first one. size is zero if it is unknown.
// OpenCV always scales from the size of the first picture. With a larger picture it fails, and returns the picture before it again and
// again. From a smaller picture it returns only a corner.
func (f *ffmpegSource) checkSize(size image.Point) error {
	if f.found.Passthrough || size == (image.Point{}) {
		return nil
	}
	if f.firstSize == (image.Point{}) {
		f.firstSize = size
	}
	if size != f.firstSize {
		return newFailure(camera.Resized, "the picture size changed from %dx%d to %dx%d", f.firstSize.X, f.firstSize.Y, size.X, size.Y)
	}
	return nil
}

// errStreamEnded is the failure of a read that failed at once: the file has ended, or the connection was lost.
var errStreamEnded = newFailure(camera.Disconnected, "the stream ended")

func (f *ffmpegSource) holdsJPEG() bool {
	m := gocv.NewMat()
	defer m.Close()
	return f.vc.Retrieve(&m) && isJPEG(&m)
}

func isJPEG(m *gocv.Mat) bool {
	if m.Empty() || m.Type() != gocv.MatTypeCV8U {
		return false
	}
	b, err := m.DataPtrUint8()
	return err == nil && len(b) > 2 && b[0] == 0xFF && b[1] == 0xD8
}

// milliseconds returns a duration as OpenCV takes it.
func milliseconds(d time.Duration) gocv.VideoCaptureProperties {
	return gocv.VideoCaptureProperties(min(d.Milliseconds(), math.MaxInt32))
}

// validFPS returns fps if it is a plausible frame rate, else 0.
func validFPS(fps float64) float64 {
	if fps > 0 && fps <= 1000 {
		return fps
	}
	return 0
}
