package capture

import (
	"context"
	"errors"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/httpmjpeg"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// openNetwork opens an RTSP or HTTP source. onLoss is called for pictures that are left out.
func openNetwork(ctx context.Context, src sourceurl.Source, start wire.Start, speed float64, onLoss func(httpmjpeg.SkippedPicture)) (source, error) {
	rules, err := newServerRules(src, start)
	if err != nil {
		return nil, err
	}
	switch src.Kind {
	case sourceurl.Poll:
		return openHTTPPoll(ctx, rules, start, onLoss)
	case sourceurl.HTTP:
		return openHTTP(ctx, rules, start, speed, onLoss)
	}
	if err := refuseFingerprint(rules); err != nil {
		return nil, err
	}
	began := time.Now()
	f, err := openFFmpeg(src.WithCredentials(), ffmpegOptions(src.Kind, start.Transport), rules, start)
	if errors.Is(err, errOpen) || errors.Is(err, errNoPicture) {
		return nil, diagnose(ctx, rules, hasTimedOut(began, start))
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// openHTTPWithFFmpeg opens an HTTP source with FFmpeg: recordings, HLS and the like. contentType is that of the server's response.
func openHTTPWithFFmpeg(rules *serverRules, start wire.Start, speed float64, contentType string) (source, error) {
	if err := refuseFingerprint(rules); err != nil {
		return nil, err
	}
	open := func() (*ffmpegSource, error) { return openFFmpeg(rules.source.WithCredentials(), "", rules, start) }
	began := time.Now()
	f, err := open()
	switch {
	case !errors.Is(err, errOpen) && !errors.Is(err, errNoPicture):
	case isNotVideo(contentType):
		err = newFailure(camera.BadStream, "the server sent %s, not video", safeContentType(contentType))
	case hasTimedOut(began, start):
		err = errNoPictureInTime
	default:
		err = errNoVideo
	}
	if err != nil {
		return nil, err
	}
	// A recording on a web server would otherwise be played as fast as it can be fetched.
	if f.vc.Get(gocv.VideoCaptureFrameCount) > 0 {
		return newPlayer(f, open, start.Once, speed), nil
	}
	if f.codec != "" {
		return newLiveVideo(f), nil
	}
	return f, nil
}

// refuseFingerprint returns an error if only the certificate with a fingerprint is acceptable. FFmpeg cannot check that.
func refuseFingerprint(rules *serverRules) error {
	if rules.tls.Fingerprint == "" {
		return nil
	}
	return newFailure(camera.Certificate, "FFmpeg reads this stream and cannot check a fingerprint: set ca_file instead")
}

// hasTimedOut reports whether opening, which began at startedAt, took as long as one of OpenCV's timeouts.
func hasTimedOut(startedAt time.Time, start wire.Start) bool {
	return time.Since(startedAt) >= min(start.OpenTimeout, start.ReadTimeout)*9/10
}
