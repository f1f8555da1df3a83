package capture

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"camd/pkg/camera"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// diagnoseTimeout is how long diagnose may take.
const diagnoseTimeout = 3 * time.Second

// diagnose finds out why an RTSP source does not open. OpenCV does not report that, so diagnose sends a request to the server.
// slow says that OpenCV's timeout had passed.
func diagnose(ctx context.Context, rules *serverRules, slow bool) *failure {
	currentChecker.Store(nil) // FFmpeg's connections have ended, and Go's own lookups must not be checked as if they were FFmpeg's
	ctx, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	status, err := probeRTSP(ctx, rules)
	if err != nil {
		return connectFailure(rules.source, err)
	}
	if f := statusFailure(rules.source, status); f != nil {
		return f
	}
	if slow {
		return errNoPictureInTime
	}
	return errNoVideo
}

var (
	errNoPictureInTime = newFailure(camera.Timeout, "the server answered, but sent no picture in time")
	errNoVideo         = newFailure(camera.BadStream, "the server answered, but sent no video that OpenCV can read: choose H.264 at the camera")
)

// statusFailure returns the failure that a status means, or nil for success.
func statusFailure(src sourceurl.Source, status int) *failure {
	switch {
	case (status == 401 || status == 403) && src.User == "":
		return newFailure(camera.Auth, "the server requires a login (%d): set user and password_file", status)
	case status == 401 || status == 403:
		return newFailure(camera.Auth, "login failed (%d): check user and password", status)
	case status == 404 || status == 410 || status == 454:
		return newFailure(camera.NotFound, "the server answered %d: check the path in source", status)
	case status < 200 || status > 299:
		return newFailure(camera.BadStream, "the server answered %d %s", status, http.StatusText(status))
	}
	return nil
}

// connectFailure returns the failure for a request that got no answer. It does not use the text of err, which may contain the
// whole address.
func connectFailure(src sourceurl.Source, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*tlsverify.Error](err); ok {
		return newFailure(camera.Certificate, "%s: %s", e.Problem, e.Remedy(src.Kind != sourceurl.RTSP))
	}
	if errors.Is(err, errNotRTSP) {
		return newFailure(camera.BadStream, "%s did not answer in RTSP: check the port in source", src.URL.Host)
	}
	reason, detail := netprobe.Explain(src.URL.Host, err)
	return &failure{reason: reason, detail: detail}
}

// isNotVideo reports whether a content type is certainly not video. Cameras send video with all kinds of other types.
func isNotVideo(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || contentType == "application/json" || contentType == "application/pdf" ||
		contentType == "application/xhtml+xml"
}

// safeContentType returns a content type for an error message. It returns only known types: a server may put secrets that it was
// sent into others.
func safeContentType(contentType string) string {
	switch contentType {
	case "text/html", "text/plain", "text/xml", "application/json", "application/pdf", "application/xhtml+xml":
		return contentType
	}
	return "text"
}
