package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// device is a V4L2 camera.
type device struct {
	vc           *gocv.VideoCapture
	path         string
	timeout      time.Duration
	found        wire.Opened
	pending      bool       // firstPicture has not been delivered
	firstPicture gocv.Mat   // closed with the device
	lastRead     time.Time  // when the newest picture was read
	capturedAt   int64      // when the newest picture was taken
	convert      conversion // done here and not by OpenCV's capture; the zero value is none
	raw          gocv.Mat   // what is to be converted; closed with the device
}

// openDevice opens a camera, requests the format in start, and reads one picture to see what the camera really delivers.
func openDevice(ctx context.Context, path string, start wire.Start) (source, error) {
	n, err := openNode(path)
	if err != nil {
		return nil, err
	}
	n.Close()
	// OpenCV waits twice within the timeout. A single wait that a signal or a short fault ends is therefore not a failure.
	// OpenCV reads this variable once in a process, in whole seconds.
	seconds := max(1, int(start.ReadTimeout.Seconds()+1)/2)
	if err := os.Setenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", strconv.Itoa(seconds)); err != nil {
		return nil, err
	}
	vc, err := gocv.VideoCaptureFileWithAPI(path, gocv.VideoCaptureV4L2)
	if err != nil {
		_ = vc.Close()
		return nil, diagnoseOpen(path)
	}
	d := &device{vc: vc, path: path, timeout: start.ReadTimeout, firstPicture: gocv.NewMat(), raw: gocv.NewMat()}
	d.negotiate(start)
	if err := d.readFirst(ctx, start); err != nil {
		d.close()
		if f, ok := errors.AsType[*failure](err); ok && f.reason == camera.Disconnected {
			err = diagnoseNoPicture(path)
		}
		return nil, err
	}
	return d, nil
}

// diagnoseOpen finds out why OpenCV did not open a device that is a camera.
func diagnoseOpen(path string) error {
	n, err := openNode(path)
	if err != nil {
		return err
	}
	defer n.Close()
	// This is the first format that OpenCV sets. Some drivers refuse a second program only if it sets another format than the present one.
	if err = n.SetFormat(640, 480, "BGR3"); err == nil {
		err = n.StartStreaming(openCVBuffers)
	}
	if f := streamFailure(path, err); f != nil {
		return f
	}
	return newFailure(camera.BadStream, "OpenCV cannot open %s: it has no format that OpenCV reads, or does not start streaming", path)
}

// diagnoseNoPicture finds out why a device that OpenCV has opened and closed again gave no picture.
func diagnoseNoPicture(path string) error {
	n, err := openNode(path)
	if err != nil {
		return err
	}
	defer n.Close()
	err = n.StartStreaming(openCVBuffers)
	if f := streamFailure(path, err); f != nil {
		return f
	}
	if err != nil {
		return newFailure(camera.BadStream, "%s cannot start streaming: %v", path, err)
	}
	return newFailure(camera.BadStream, "%s opened, but delivered no picture", path)
}

// negotiate requests format, size and rate. Only this order works: in any other, a later request resets an earlier one.
func (d *device) negotiate(start wire.Start) {
	format := cmp.Or(start.Format, "auto")
	if format == "auto" {
		format = "mjpeg"
	}
	if code := fourCC(format); code != 0 {
		d.vc.Set(gocv.VideoCaptureFOURCC, code)
	}
	if start.Size != (sourceurl.Size{}) {
		d.vc.Set(gocv.VideoCaptureFrameWidth, float64(start.Size.Width))
		d.vc.Set(gocv.VideoCaptureFrameHeight, float64(start.Size.Height))
	}
	if start.FPS > 0 {
		d.vc.Set(gocv.VideoCaptureFPS, start.FPS)
	}
	d.found = wire.Opened{Backend: "V4L2", Codec: codecName(d.vc.Get(gocv.VideoCaptureFOURCC))}
	if d.found.Codec == "mjpeg" {
		d.found.Passthrough = true
		d.vc.Set(gocv.VideoCaptureConvertRGB, 0)
	}
	if c, own := conversions[d.found.Codec]; own {
		d.convert = c
		d.vc.Set(gocv.VideoCaptureConvertRGB, 0)
	}
}

// conversion converts a raw picture to BGR. The raw picture has this many bytes a pixel, and this many half rows for each row of
// the result.
type conversion struct {
	code           gocv.ColorConversionCode
	bytes, halfRow int
}

// conversions has the formats that OpenCV's capture converts wrongly: it exchanges red and blue in the first two, and returns the
// third as if it were BGR.
var conversions = map[string]conversion{
	"nv12": {gocv.ColorYUVToBGRNV12, 1, 3},
	"nv21": {gocv.ColorYUVToBGRNV21, 1, 3},
	"yvyu": {gocv.ColorYUVToBGRYVYU, 2, 2},
}

// readFirst reads the first picture and then the settings that the driver chose. If a format is called MJPEG but is none, it
// reads the picture again with decoding.
func (d *device) readFirst(ctx context.Context, start wire.Start) error {
	d.lastRead = time.Now()
	if err := d.read(ctx, &d.firstPicture); err != nil {
		return err
	}
	if d.found.Passthrough && !isJPEG(&d.firstPicture) {
		d.found.Passthrough = false
		d.vc.Set(gocv.VideoCaptureConvertRGB, 1)
		if err := d.read(ctx, &d.firstPicture); err != nil {
			return err
		}
	}
	d.pending = true
	d.found.Width = int(d.vc.Get(gocv.VideoCaptureFrameWidth))
	d.found.Height = int(d.vc.Get(gocv.VideoCaptureFrameHeight))
	d.found.FPS = validFPS(d.vc.Get(gocv.VideoCaptureFPS))
	d.found.Note = negotiationNote(start, d.found)
	return nil
}

// negotiationNote says where the driver's settings differ from those requested.
func negotiationNote(start wire.Start, found wire.Opened) string {
	var notes []string
	differ := func(what, want, got any) { notes = append(notes, fmt.Sprintf("asked for %v, got %v", want, got)) }
	if start.Format != "" && start.Format != "auto" && codecName(fourCC(start.Format)) != found.Codec {
		differ("format", start.Format, found.Codec)
	}
	if start.Size != (sourceurl.Size{}) && (start.Size.Width != found.Width || start.Size.Height != found.Height) {
		differ("size", start.Size, fmt.Sprintf("%dx%d", found.Width, found.Height))
	}
	// Drivers have rates as fractions, so 29.97 is not different from 30.
	if start.FPS > 0 && found.FPS > 0 && max(start.FPS/found.FPS, found.FPS/start.FPS) > 1.01 {
		differ("rate", fmt.Sprintf("%.4g fps", start.FPS), fmt.Sprintf("%.4g fps", found.FPS))
	}
	return strings.Join(notes, "; ")
}

func (d *device) opened() wire.Opened { return d.found }

func (d *device) close() {
	_ = d.vc.Close()
	_ = d.firstPicture.Close()
	_ = d.raw.Close()
}

// Handling of reads that fail at once. A signal causes a single such failure, which is harmless. If reads keep failing, the camera is gone.
const (
	maxFastFailures = time.Second // how long reads may fail before the source ends
	retryDelay      = 10 * time.Millisecond
)

func (d *device) next(ctx context.Context, m *gocv.Mat) error {
	if d.convert.code != 0 {
		m = &d.raw
	}
	if d.pending {
		d.pending = false
		return d.firstPicture.CopyTo(m)
	}
	return d.read(ctx, m)
}

// read waits for a picture.
func (d *device) read(ctx context.Context, m *gocv.Mat) error {
	var failing time.Time // when fast failures began
	for {
		began := time.Now()
		if d.vc.Read(m) && !m.Empty() {
			d.lastRead = time.Now()
			d.capturedAt = captureTime(d.vc.Get(gocv.VideoCapturePosMsec), d.capturedAt, monotonic())
			return nil
		}
		now := time.Now()
		switch _, err := os.Stat(d.path); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return newFailure(camera.Disconnected, "%s was unplugged", d.path)
		case now.Sub(began) >= maxFastFailures/2:
			failing = time.Time{}
			if silent := now.Sub(d.lastRead); silent >= d.timeout {
				return newFailure(camera.Timeout, "no picture for %v", silent.Round(100*time.Millisecond))
			}
			continue
		case failing.IsZero():
			failing = now
		case now.Sub(failing) >= maxFastFailures:
			return newFailure(camera.Disconnected, "%s delivers no more pictures", d.path)
		}
		time.Sleep(retryDelay)
	}
}

// captured returns when the newest picture was taken, before it waited in the driver's queue. The time is the driver's.
func (d *device) captured() int64 { return d.capturedAt }

// maxCaptureAge bounds how old a picture can be when it is read: a few buffers of a slow camera.
const maxCaptureAge = int64(5 * time.Second)

// captureTime returns the driver's time of a picture in nanoseconds if it is plausible, else now. driver is in milliseconds, last
// and now are in nanoseconds. Most drivers use CLOCK_MONOTONIC. Some use another clock or none, or repeat the time of an earlier
// picture.
func captureTime(driver float64, last, now int64) int64 {
	if t := int64(driver * 1e6); t > last && t <= now && now-t <= maxCaptureAge {
		return t
	}
	return now
}

// retrieve converts the picture that next has read, if OpenCV's capture does not.
func (d *device) retrieve(m *gocv.Mat) bool {
	if d.convert.code == 0 {
		return true
	}
	rows := d.found.Height * d.convert.halfRow / 2
	if d.raw.Total()*d.raw.Channels() != rows*d.found.Width*d.convert.bytes {
		return false // not a whole picture
	}
	shaped := d.raw.Reshape(d.convert.bytes, rows)
	defer shaped.Close()
	return gocv.CvtColor(shaped, m, d.convert.code) == nil
}
