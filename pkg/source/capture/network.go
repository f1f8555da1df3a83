package capture

import (
	"context"
	"errors"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// openNetwork opens an RTSP or HTTP stream, and finds out why where that fails.
func openNetwork(ctx context.Context, src spec.Source, start wire.Start, speed float64) (source, error) {
	open := func() (*ffmpeg, error) {
		return openFFmpeg(src.Address(), networkOptions(src.Kind, start.Transport), start)
	}
	began := time.Now()
	f, err := open()
	if errors.Is(err, errOpen) || errors.Is(err, errNoPicture) {
		slow := time.Since(began) >= min(start.OpenTimeout, start.ReadTimeout)*9/10
		return nil, diagnose(ctx, src, slow)
	}
	if err != nil {
		return nil, err
	}
	// A recording on a web server would otherwise be played as fast as it can be fetched.
	if src.Kind == spec.HTTP && f.vc.Get(gocv.VideoCaptureFrameCount) > 0 {
		return newClip(f, open, start.Once, speed), nil
	}
	if src.Kind == spec.HTTP {
		f.found.FPS = 0 // HTTP MJPEG declares none; FFmpeg says 25 of every stream
	}
	return f, nil
}

// networkOptions are FFmpeg's options, as OpenCV parses them: key;value|key;value.
func networkOptions(kind spec.Kind, transport string) string {
	if kind != spec.RTSP {
		return ""
	}
	if transport != "udp" {
		transport = "tcp"
	}
	// Only pictures: a camera's sound would be received for nothing. Three of them tell the rate; the twenty that FFmpeg
	// takes by default make the first one more than half a second late.
	return "rtsp_transport;" + transport + "|allowed_media_types;video|fpsprobesize;3"
}
