package capture

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	condition "camd/pkg/camera"
	"camd/pkg/source/reach"
	"camd/pkg/source/spec"
	"camd/pkg/source/tlsverify"
)

// diagnosis is how long finding out may take.
const diagnosis = 3 * time.Second

// diagnose finds out why an RTSP source does not open, which OpenCV does not say, by asking the server itself. slow means
// that OpenCV gave up for want of time.
func diagnose(ctx context.Context, rules *serverRules, slow bool) *failure {
	current.Store(nil) // FFmpeg's connections have ended; where Go resolves names by the C library, its own must not be taken for one
	ctx, cancel := context.WithTimeout(ctx, diagnosis)
	defer cancel()
	status, err := askRTSP(ctx, rules)
	if err != nil {
		return connectFailure(rules.source, err)
	}
	if f := judge(rules.source, status); f != nil {
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
func connectFailure(src spec.Source, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*tlsverify.Error](err); ok {
		return fail(condition.Certificate, "%s; %s", e.Problem, e.Remedy(src.Kind != spec.RTSP))
	}
	if errors.Is(err, errNotRTSP) {
		return fail(condition.BadStream, "%s does not speak RTSP", src.URL.Host)
	}
	reason, detail := reach.Explain(src.URL.Host, err)
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
