package serverrules

import (
	"errors"
	"fmt"
	"net/http"

	"camd/pkg/camera"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// Error says why a source cannot be opened or read.
type Error struct {
	Reason camera.Reason
	Detail string // for people; it may contain secrets that the server repeats
}

func (e *Error) Error() string { return e.Detail }

// NewError returns an Error whose detail is formatted as by fmt.Sprintf.
func NewError(reason camera.Reason, format string, args ...any) *Error {
	return &Error{reason, fmt.Sprintf(format, args...)}
}

// StatusError returns the Error that a status of HTTP (RFC 9110, section 15) or RTSP (RFC 2326, section 7.1.1) means, or nil for success.
func StatusError(src sourceurl.Source, status int) *Error {
	switch {
	case (status == 401 || status == 403) && src.User == "":
		return NewError(camera.Auth, "the server requires a login (%d): set user and password_file", status)
	case status == 401 || status == 403:
		return NewError(camera.Auth, "login failed (%d): check user and password", status)
	case status == 404 || status == 410 || status == 454:
		return NewError(camera.NotFound, "the server answered %d: check the path in source", status)
	case status < 200 || status > 299:
		return NewError(camera.BadStream, "the server answered %d %s", status, http.StatusText(status))
	}
	return nil
}

// ConnectError returns the Error for a request that got no answer. pinnable says whether what reads the source can check a fingerprint.
// ConnectError does not use the text of err, which may contain the whole address.
func ConnectError(src sourceurl.Source, pinnable bool, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tlsverify.Error](err); ok {
		return NewError(camera.Certificate, "%s: %s", e.Problem, e.Remedy(pinnable))
	}
	reason, detail := netprobe.Explain(src.URL.Host, err)
	return &Error{reason, detail}
}
