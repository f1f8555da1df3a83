package capture

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	condition "camd/pkg/camera"
	"camd/pkg/source/reach"
	"camd/pkg/source/spec"
)

// diagnosis is how long finding out may take.
const diagnosis = 3 * time.Second

// diagnose finds out why an RTSP source does not open, which OpenCV does not say, by asking the server itself. slow means
// that OpenCV gave up for want of time.
func diagnose(ctx context.Context, src spec.Source, slow bool) *failure {
	ctx, cancel := context.WithTimeout(ctx, diagnosis)
	defer cancel()
	status, err := askRTSP(ctx, src)
	if err != nil {
		return connectFailure(src.URL.Host, err)
	}
	if f := judge(src, status); f != nil {
		return f
	}
	if slow {
		return errNoneInTime
	}
	return errNoVideo
}

var (
	errNoneInTime = fail(condition.Timeout, "the server answers, but no picture came in time")
	errNoVideo    = fail(condition.BadStream, "the server answers, but with no video that OpenCV understands")
)

// judge says what a status means that is not success, and is nil for one that is.
func judge(src spec.Source, status int) *failure {
	switch {
	case (status == 401 || status == 403) && src.User == "":
		return fail(condition.Auth, "the server asks for a user and password (%d)", status)
	case status == 401 || status == 403:
		return fail(condition.Auth, "the server refuses the user or password (%d)", status)
	case status == 404 || status == 410 || status == 454:
		return fail(condition.NotFound, "the server has no such stream (%d)", status)
	case status < 200 || status > 299:
		return fail(condition.BadStream, "the server answered %d %s", status, http.StatusText(status))
	}
	return nil
}

// connectFailure says why there was no answer. The library's own text may repeat the whole address.
func connectFailure(host string, err error) *failure {
	if errors.Is(err, errNotRTSP) {
		return fail(condition.BadStream, "%s does not speak RTSP", host)
	}
	reason, detail := reach.Explain(host, err)
	return &failure{reason, detail}
}

// notVideo tells the content types that are certainly something else. Cameras send video as anything but these.
func notVideo(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || contentType == "application/json" || contentType == "application/pdf" ||
		contentType == "application/xhtml+xml"
}

// named is a content type that is not video as people are told of it. A server may put into one what it was sent, so that only
// those are repeated that are known.
func named(contentType string) string {
	switch contentType {
	case "text/html", "text/plain", "text/xml", "application/json", "application/pdf", "application/xhtml+xml":
		return contentType
	}
	return "a text"
}

// insecure does as FFmpeg does, which has just sent the same server the same things: cameras have certificates of
// their own making.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// dial connects to the source's server.
func dial(ctx context.Context, src spec.Source) (net.Conn, error) {
	if strings.HasSuffix(src.URL.Scheme, "s") {
		return (&tls.Dialer{Config: insecure()}).DialContext(ctx, "tcp", reach.Address(src))
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", reach.Address(src))
}
