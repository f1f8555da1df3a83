package capture

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	condition "camd/pkg/camera"
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
	dns, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case isDNS && !dns.IsTimeout:
		return fail(condition.Unreachable, "unknown host %s", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(condition.Unreachable, "%s refuses connections", host)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fail(condition.Unreachable, "no route to %s", host)
	case isNet && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fail(condition.Timeout, "no answer from %s", host)
	case errors.Is(err, errNotRTSP):
		return fail(condition.BadStream, "%s does not speak RTSP", host)
	}
	return fail(condition.Unreachable, "%s closed the connection without an answer", host)
}

// notVideo tells the content types that are certainly something else. Cameras send video as anything but these.
func notVideo(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || contentType == "application/json" || contentType == "application/pdf" ||
		contentType == "application/xhtml+xml"
}

// insecure does as FFmpeg does, which has just sent the same server the same things: cameras have certificates of
// their own making.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// dial connects to the source's server.
func dial(ctx context.Context, src spec.Source, plainPort, tlsPort string) (net.Conn, error) {
	secure := strings.HasSuffix(src.URL.Scheme, "s")
	port := src.URL.Port()
	switch {
	case port != "":
	case secure:
		port = tlsPort
	default:
		port = plainPort
	}
	address := net.JoinHostPort(src.URL.Hostname(), port)
	if secure {
		return (&tls.Dialer{Config: insecure()}).DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}
