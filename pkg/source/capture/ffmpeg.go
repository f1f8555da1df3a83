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
	"camd/pkg/media"
	"camd/pkg/media/h26x"
	"camd/pkg/source/options"
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

	codec  h26x.Codec   // of packets that are passed on; "" if the source is decoded
	limits media.Limits // on the size of a packet that is passed on
	packet gocv.Mat     // the newest packet
	times  packetTimes  // of the newest packet

	checker *connectionChecker
}

// errOpen is the failure of OpenCV to open a source. It has no cause: OpenCV reports none, and gocv's error contains the password.
var errOpen = newFailure(camera.BadStream, "OpenCV cannot open the source")

// errNoPicture is the failure of a source that opens but delivers no picture.
var errNoPicture = newFailure(camera.BadStream, "the source opened, but delivered no picture")

// How tryFFmpeg reads a source of MJPEG, H.264 or H.265.
const (
	passPackets   = true  // packets pass as they are
	decodePackets = false // packets are decoded, and pictures are encoded as JPEGs
)

// openFFmpeg opens an address and reads the first picture. MJPEG passes through without decoding, and so do H.264 and H.265, unless they come
// over RTSP or start.Reader is ReaderOpenCV. ffmpegOptions are in the form of OPENCV_FFMPEG_CAPTURE_OPTIONS. rules apply to its
// connections; they are nil for a file, which may make none.
func openFFmpeg(address, ffmpegOptions string, rules *serverRules, start wire.Start) (*ffmpegSource, error) {
	f, err := tryFFmpeg(address, ffmpegOptions, rules, start, passPackets)
	if err == nil || f == nil {
		return f, err
	}
	// The source may be declared as MJPEG and contain no JPEG, or have no usable keyframe: try again with decoding.
	f.close()
	isVideo, why := f.codec != "", err
	f, err = tryFFmpeg(address, ffmpegOptions, rules, start, decodePackets)
	if err != nil && f != nil {
		f.close()
		f = nil
	}
	if err == nil && isVideo {
		f.found.Note = "decoded, because " + why.Error()
	}
	return f, err
}

// tryFFmpeg opens an address as openFFmpeg does. passthrough is passPackets or decodePackets. If an error comes after opening,
// tryFFmpeg returns the source too, and the caller must close it.
func tryFFmpeg(address, ffmpegOptions string, rules *serverRules, start wire.Start, passthrough bool) (*ffmpegSource, error) {
	began := time.Now()
	connections, err := configureFFmpeg(rules, ffmpegOptions)
	if err != nil {
		return nil, err
	}
	vc, err := gocv.VideoCaptureFileWithAPIParams(address, gocv.VideoCaptureFFmpeg, []gocv.VideoCaptureProperties{
		openTimeoutProperty, milliseconds(start.OpenTimeout), readTimeoutProperty, milliseconds(start.ReadTimeout)})
	if err != nil {
		_ = vc.Close()
		return nil, cmp.Or(connections.refusal(), error(errOpen))
	}
	f := &ffmpegSource{vc: vc, timeout: start.ReadTimeout, pending: true, checker: connections,
		packet: gocv.NewMat(), limits: start.Limits.OrDefault()}
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
	if passthrough {
		f.passPackets(rules, start)
	}
	if err := f.grab(); err != nil {
		return f, cmp.Or(connections.refusal(), error(errNoPicture))
	}
	switch {
	case f.codec != "":
		return f, f.findKeyframe(began.Add(start.OpenTimeout / 2)) // the other half is for decoding
	case f.found.Passthrough && !f.holdsJPEG():
		return f, newFailure(camera.BadStream, "the stream is declared as MJPEG, but contains no JPEG")
	}
	return f, nil
}

// passPackets makes OpenCV hand out packets as they are, if they can be passed on.
func (f *ffmpegSource) passPackets(rules *serverRules, start wire.Start) {
	f.codec = videoCodec(f.found.Codec)
	if start.Reader == options.ReaderOpenCV || rules != nil && rules.Source.Kind == sourceurl.RTSP {
		f.codec = ""
	}
	if f.codec != "" {
		f.found.Codec = string(f.codec)
	}
	if f.found.Passthrough = f.codec != "" || f.found.Codec == "mjpeg"; f.found.Passthrough {
		f.vc.Set(gocv.VideoCaptureFormat, rawPackets)
	}
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

func (f *ffmpegSource) close() {
	_ = f.vc.Close()
	_ = f.packet.Close()
}

// grab takes the next picture without converting it. Converting is a quarter of the work for H.264, and for MJPEG it is a
// copy. gocv does not report whether OpenCV grabbed a picture, but OpenCV's count of pictures shows it. (If OpenCV threw an
// exception, gocv's Grab would read freed memory. This backend does not throw unless exceptions are turned on.)
func (f *ffmpegSource) grab() error {
	runtime.LockOSThread() // for checkSize and newestPacketTimes
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
		f.grabbed, f.times = position, newestPacketTimes()
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
