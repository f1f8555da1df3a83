package rtsp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"camd/pkg/camera"
	"camd/pkg/source/netprobe"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

// Error says why a stream cannot be opened, or why it ended.
type Error struct {
	Reason       camera.Reason
	Detail       string // for people; without secrets
	NeedsDecoder bool   // the server answers, but this package cannot carry its stream: a reader that decodes may. Never set for TLS and logins
}

func (e *Error) Error() string { return e.Detail }

func otherHost(host string) *Error {
	return &Error{Reason: camera.Redirect, Detail: fmt.Sprintf("the camera redirects to the host %q: set source to its address if you trust it", host)}
}

func otherSender(host string) *Error {
	return &Error{Reason: camera.Redirect, Detail: fmt.Sprintf("the camera wants to send video from the host %q: set transport to tcp", host)}
}

func tooManyRedirects() *Error {
	return &Error{Reason: camera.Redirect, Detail: fmt.Sprintf("the camera redirects more than %d times: check source", maxRedirects)}
}

func tooManyBytes() *Error {
	return &Error{Reason: camera.BadStream, Detail: fmt.Sprintf("the server sent more than %d KiB before the stream began", maxOpenBytes>>10)}
}

// cannotRead returns the failure for an answer that the library does not understand.
func (s *session) cannotRead(err error) *Error {
	return &Error{Reason: camera.BadStream, NeedsDecoder: true, Detail: fmt.Sprintf("camd cannot read the server's answer: %q", shorten(s.redactor, err.Error()))}
}

// explain returns the failure for an error of the library while the stream is opened.
func (s *session) explain(err error) *Error {
	host := s.options.Source.URL.Host
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tlsverify.Error](err); ok {
		return &Error{Reason: camera.Certificate, Detail: e.Problem + ": " + e.Remedy(true)}
	}
	if e, ok := errors.AsType[liberrors.ErrClientBadStatusCode](err); ok {
		return s.statusFailure(e.Code)
	}
	if _, ok := errors.AsType[liberrors.ErrClientAuthSetup](err); ok {
		return &Error{Reason: camera.Auth, Detail: "the server asks for a kind of login that camd does not support: choose Digest at the camera"}
	}
	switch {
	case !isConnection(err) && s.speaksRTSP():
		return s.cannotRead(err)
	case s.speaksRTSP():
		return &Error{Reason: camera.Disconnected, Detail: "the camera closed the connection before the stream began"}
	case s.speaksOther():
		return &Error{Reason: camera.BadStream, Detail: host + " did not answer in RTSP: check the port in source"}
	}
	reason, detail := netprobe.Explain(host, err)
	return &Error{Reason: reason, Detail: detail}
}

// speaksRTSP reports whether the server has answered in RTSP, or begun to.
func (s *session) speaksRTSP() bool { return s.hasAnswer.Load() || s.sent() == "RTSP" }

// speaksOther reports whether the server has sent something else. Over TLS that is unknown.
func (s *session) speaksOther() bool { return !s.options.Source.IsTLS() && s.sent() != "" }

// sent returns the first bytes that the server sent.
func (s *session) sent() string {
	if c := s.dialer.current(); c != nil {
		return c.sent()
	}
	return ""
}

// isConnection reports whether an error is that of a connection, and not of what came over it.
func isConnection(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// statusFailure returns the failure that a status means.
func (s *session) statusFailure(code base.StatusCode) *Error {
	bad := func(reason camera.Reason, format string) *Error {
		return &Error{Reason: reason, Detail: fmt.Sprintf(format, code)}
	}
	switch {
	case (code == 401 || code == 403) && s.options.Source.User == "":
		return bad(camera.Auth, "the server requires a login (%d): set user and password_file")
	case code == 401 || code == 403:
		return bad(camera.Auth, "login failed (%d): check user and password")
	case code == 404 || code == 410 || code == 454:
		return bad(camera.NotFound, "the server answered %d: check the path in source")
	case code == base.StatusUnsupportedTransport:
		return bad(camera.BadStream, "the server does not send over "+s.options.Transport+" (%d): change transport")
	case code >= 300 && code < 400:
		return bad(camera.Redirect, "the camera redirects (%d) and does not say where: check source")
	}
	return &Error{Reason: camera.BadStream, Detail: fmt.Sprintf("the server answered %d %s", code, statusText(code))}
}

func statusText(code base.StatusCode) string {
	if text := base.StatusMessages[code]; text != "" {
		return text
	}
	return http.StatusText(int(code))
}

// openTimedOut returns the failure for a server that has not let the stream play in time.
func (s *session) openTimedOut() *Error {
	if s.speaksRTSP() {
		return &Error{Reason: camera.Timeout, Detail: "the server answered, but did not start the stream in time"}
	}
	return &Error{Reason: camera.Timeout, Detail: "no answer from " + s.options.Source.URL.Host + ": check its power, its network, and firewalls"}
}

// explainEnd returns the failure for a connection that ended while the stream played.
func (s *session) explainEnd(err error) *Error {
	if e, ok := errors.AsType[liberrors.ErrClientUnhandledMethod](err); ok {
		return &Error{Reason: camera.Disconnected, Detail: fmt.Sprintf("the camera ended the stream with a request %q", shorten(s.redactor, string(e.Method)))}
	}
	if isConnection(err) {
		return &Error{Reason: camera.Disconnected, Detail: "the camera closed the connection"}
	}
	return &Error{Reason: camera.Disconnected, Detail: fmt.Sprintf("the camera sent data that is not RTSP: %q", shorten(s.redactor, err.Error()))}
}

// nothingArrived returns the failure for a stream without packets.
func nothingArrived(after time.Duration) *Error {
	return &Error{Reason: camera.Timeout, Detail: fmt.Sprintf("the camera has sent no video for %v", after)}
}

// noFrames returns the failure for a stream whose packets make no frame that can be decoded.
func noFrames(cause string) *Error {
	if cause == Lost {
		return &Error{Reason: camera.Damaged, Detail: "packets are lost, and no picture is complete: set transport to tcp, or check the network"}
	}
	return &Error{Reason: camera.BadStream, NeedsDecoder: true, Detail: "camd cannot read the camera's video (" + cause + "): set reader to opencv"}
}

// noKeyframes returns the failure for a stream whose keyframes are too rare.
func noKeyframes(interval time.Duration) *Error {
	return &Error{Reason: camera.BadStream, NeedsDecoder: true,
		Detail: fmt.Sprintf("the camera has sent no keyframe for %v: set a keyframe interval of 1 to 5 s at the camera, or reader to opencv", interval)}
}

// shorten returns a text that a camera sent for a message: with a bound on its length, and without secrets.
func shorten(secrets sourceurl.Redactor, text string) string {
	const maxLen = 100
	if text = secrets.Redact(text); len(text) > maxLen {
		return text[:maxLen] + "…"
	}
	return text
}
