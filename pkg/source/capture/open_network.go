package capture

import (
	"context"
	"errors"
	"time"

	"gocv.io/x/gocv"

	"camd/pkg/camera"
	"camd/pkg/source/httpreader"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// openNetwork opens an RTSP or HTTP source with FFmpeg.
func openNetwork(ctx context.Context, src sourceurl.Source, start wire.Start, speed float64) (source, error) {
	if src.Kind == sourceurl.Poll {
		return nil, newFailure(camera.BadStream, "OpenCV cannot poll pictures: set reader to auto or go")
	}
	rules, err := newServerRules(src, start)
	if err != nil {
		return nil, err
	}
	if start.TLS.Fingerprint != "" {
		return nil, newFailure(camera.Certificate, "FFmpeg reads this stream and cannot check a fingerprint: set ca_file instead")
	}
	if src.Kind == sourceurl.HTTP && src.IsTLS() {
		if err := checkRedirects(ctx, rules, start); err != nil {
			return nil, err
		}
	}
	open := func() (*ffmpegSource, error) {
		return openFFmpeg(src.WithCredentials(), ffmpegOptions(src.Kind, start.Transport), rules, start)
	}
	began := time.Now()
	f, err := open()
	if errors.Is(err, errOpen) || errors.Is(err, errNoPicture) {
		return nil, diagnose(ctx, rules, hasTimedOut(began, start))
	}
	if err != nil {
		return nil, err
	}
	// A recording on a web server would otherwise be played as fast as it can be fetched.
	if src.Kind == sourceurl.HTTP && f.vc.Get(gocv.VideoCaptureFrameCount) > 0 {
		return newPlayer(f, open, start.Once, speed), nil
	}
	if f.codec != "" {
		return newLiveVideo(f), nil
	}
	return f, nil
}

// checkRedirects sends a request to an https:// source and returns the failure for a redirect that is not allowed. FFmpeg follows a redirect
// from https:// to http:// without asking its protocol_whitelist (http_open_cnx_internal in libavformat/http.c).
func checkRedirects(ctx context.Context, rules *serverRules, start wire.Start) error {
	ctx, cancel := context.WithTimeout(ctx, start.OpenTimeout)
	defer cancel()
	if _, err := httpreader.Probe(ctx, rules); err != nil {
		return connectFailure(rules.Source, err)
	}
	return nil
}

// hasTimedOut reports whether opening, which began at startedAt, took as long as one of OpenCV's timeouts.
func hasTimedOut(startedAt time.Time, start wire.Start) bool {
	return time.Since(startedAt) >= min(start.OpenTimeout, start.ReadTimeout)*9/10
}
