package capture

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	condition "camd/pkg/camera"
	"camd/pkg/source/wire"
)

// device is a V4L2 camera.
type device struct {
	vc      *gocv.VideoCapture
	path    string
	timeout time.Duration
	found   wire.Opened
	pending bool      // the first picture is in first and has not been delivered
	first   gocv.Mat  // closed with the device
	last    time.Time // when the newest picture was read
}

// openDevice opens a camera, asks for what start has and reads one picture to see what it really gives.
func openDevice(ctx context.Context, path string, start wire.Start) (source, error) {
	n, err := openNode(path)
	if err != nil {
		return nil, err
	}
	n.close()
	// Twice within the timeout, so that one wait that was cut short by a signal or a hiccup decides nothing. OpenCV reads
	// whole seconds, once in a process.
	seconds := max(1, int(start.ReadTimeout.Seconds()+1)/2)
	if err := os.Setenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", strconv.Itoa(seconds)); err != nil {
		return nil, err
	}
	vc, err := gocv.VideoCaptureFileWithAPI(path, gocv.VideoCaptureV4L2)
	if err != nil {
		_ = vc.Close()
		return nil, refusal(path)
	}
	d := &device{vc: vc, path: path, timeout: start.ReadTimeout, first: gocv.NewMat()}
	d.negotiate(start)
	if err := d.begin(ctx, start); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// refusal finds out why OpenCV did not open a device that is a camera.
func refusal(path string) error {
	n, err := openNode(path)
	if err != nil {
		return err
	}
	defer n.close()
	if n.busy() {
		return nodeFailure(path, unix.EBUSY)
	}
	return fail(condition.BadStream, "OpenCV cannot open %s: it has no format that OpenCV reads, or does not stream", path)
}

// negotiate asks for format, size and rate, in the one order that works: a later one resets an earlier one otherwise.
func (d *device) negotiate(start wire.Start) {
	format := cmp.Or(start.Format, "auto")
	if format == "auto" {
		format = "mjpeg"
	}
	if code := fourCC(format); code != 0 {
		d.vc.Set(gocv.VideoCaptureFOURCC, code)
	}
	if start.Width > 0 && start.Height > 0 {
		d.vc.Set(gocv.VideoCaptureFrameWidth, float64(start.Width))
		d.vc.Set(gocv.VideoCaptureFrameHeight, float64(start.Height))
	}
	if start.FPS > 0 {
		d.vc.Set(gocv.VideoCaptureFPS, start.FPS)
	}
	d.found = wire.Opened{Backend: "V4L2", Codec: codecName(d.vc.Get(gocv.VideoCaptureFOURCC))}
	if d.found.Codec == "mjpeg" {
		d.found.Passthrough = true
		d.vc.Set(gocv.VideoCaptureConvertRGB, 0)
	}
}

// begin reads the first picture, decoded if what is called MJPEG is not, and then what the driver settled for.
func (d *device) begin(ctx context.Context, start wire.Start) error {
	d.last = time.Now()
	if err := d.next(ctx, &d.first); err != nil {
		return err
	}
	if d.found.Passthrough && !isJPEG(&d.first) {
		d.found.Passthrough = false
		d.vc.Set(gocv.VideoCaptureConvertRGB, 1)
		if err := d.next(ctx, &d.first); err != nil {
			return err
		}
	}
	d.pending = true
	d.found.Width = int(d.vc.Get(gocv.VideoCaptureFrameWidth))
	d.found.Height = int(d.vc.Get(gocv.VideoCaptureFrameHeight))
	d.found.FPS = rate(d.vc.Get(gocv.VideoCaptureFPS))
	d.found.Note = differences(start, d.found)
	return nil
}

// differences says what the driver gives otherwise than asked.
func differences(start wire.Start, found wire.Opened) string {
	var notes []string
	differ := func(what, asked, got any) { notes = append(notes, fmt.Sprintf("asked for %v, got %v", asked, got)) }
	if start.Format != "" && start.Format != "auto" && codecName(fourCC(start.Format)) != found.Codec {
		differ("format", start.Format, found.Codec)
	}
	if start.Width > 0 && start.Height > 0 && (start.Width != found.Width || start.Height != found.Height) {
		differ("size", fmt.Sprintf("%dx%d", start.Width, start.Height), fmt.Sprintf("%dx%d", found.Width, found.Height))
	}
	// Drivers count in fractions: 30 is also 29.97.
	if start.FPS > 0 && found.FPS > 0 && max(start.FPS/found.FPS, found.FPS/start.FPS) > 1.01 {
		differ("rate", fmt.Sprintf("%.4g fps", start.FPS), fmt.Sprintf("%.4g fps", found.FPS))
	}
	return strings.Join(notes, "; ")
}

func (d *device) opened() wire.Opened { return d.found }

func (d *device) close() {
	_ = d.vc.Close()
	_ = d.first.Close()
}

// A read that fails at once is a signal, which is harmless, or a camera that is gone. The first comes alone, the other
// stays.
const (
	fastFailures = time.Second // for how long they are borne
	throttle     = 10 * time.Millisecond
)

func (d *device) next(ctx context.Context, m *gocv.Mat) error {
	if d.pending {
		d.pending = false
		return d.first.CopyTo(m)
	}
	var failing time.Time // when fast failures began
	for {
		began := time.Now()
		if d.vc.Read(m) && !m.Empty() {
			d.last = time.Now()
			return nil
		}
		now := time.Now()
		switch _, err := os.Stat(d.path); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fail(condition.Disconnected, "%s was unplugged", d.path)
		case now.Sub(began) >= fastFailures/2:
			failing = time.Time{}
			if silent := now.Sub(d.last); silent >= d.timeout {
				return fail(condition.Timeout, "no picture for %v", silent.Round(100*time.Millisecond))
			}
			continue
		case failing.IsZero():
			failing = now
		case now.Sub(failing) >= fastFailures:
			return fail(condition.Disconnected, "%s gives no more pictures", d.path)
		}
		time.Sleep(throttle)
	}
}

// fill has nothing to do: next read the picture.
func (d *device) fill(*gocv.Mat) bool { return true }
