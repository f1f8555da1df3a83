package capture

import (
	"context"
	"errors"
	"time"

	"gocv.io/x/gocv"

	condition "camd/pkg/camera"
	"camd/pkg/source/mixed"
	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// openNetwork opens an RTSP or HTTP source. lost is told of pictures that are left out.
func openNetwork(ctx context.Context, src spec.Source, start wire.Start, speed float64, lost func(mixed.Loss)) (source, error) {
	rules, err := newServerRules(src, start)
	if err != nil {
		return nil, err
	}
	switch src.Kind {
	case spec.Poll:
		return openPoll(ctx, rules, start, lost)
	case spec.HTTP:
		return openHTTP(ctx, rules, start, speed, lost)
	}
	began := time.Now()
	f, err := openFFmpeg(src.Address(), networkOptions(src.Kind, start.Transport), rules, start)
	if errors.Is(err, errOpen) || errors.Is(err, errNoPicture) {
		return nil, diagnose(ctx, rules, tookAll(began, start))
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// playHTTP leaves to FFmpeg what is neither a picture nor a series of them: recordings, HLS and the like. kind is the
// content type.
func playHTTP(rules *serverRules, start wire.Start, speed float64, kind string) (source, error) {
	if rules.tls.Fingerprint != "" {
		return nil, fail(condition.Certificate, "FFmpeg plays this stream, and checks no fingerprint: set ca_file instead")
	}
	open := func() (*ffmpeg, error) { return openFFmpeg(rules.source.Address(), "", rules, start) }
	began := time.Now()
	f, err := open()
	switch {
	case !errors.Is(err, errOpen) && !errors.Is(err, errNoPicture):
	case notVideo(kind):
		err = fail(condition.BadStream, "the server sent %s, not video", named(kind))
	case tookAll(began, start):
		err = errNoneInTime
	default:
		err = errNoVideo
	}
	if err != nil {
		return nil, err
	}
	// A recording on a web server would otherwise be played as fast as it can be fetched.
	if f.vc.Get(gocv.VideoCaptureFrameCount) > 0 {
		return newClip(f, open, start.Once, speed), nil
	}
	return f, nil
}

// tookAll reports whether OpenCV gave up for want of time.
func tookAll(began time.Time, start wire.Start) bool {
	return time.Since(began) >= min(start.OpenTimeout, start.ReadTimeout)*9/10
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
