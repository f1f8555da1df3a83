package capture

import (
	"context"
	"crypto/tls"
	"errors"
	"mime"
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

// diagnose finds out why a network source does not open, which OpenCV does not say, by asking the server itself. slow
// means that OpenCV gave up for want of time.
func diagnose(ctx context.Context, src spec.Source, slow bool) *failure {
	ctx, cancel := context.WithTimeout(ctx, diagnosis)
	defer cancel()
	ask := askHTTP
	if src.Kind == spec.RTSP {
		ask = askRTSP
	}
	status, kind, err := ask(ctx, src)
	switch {
	case err != nil:
		return connectFailure(src.URL.Host, err)
	case status == 401 || status == 403:
		if src.User == "" {
			return fail(condition.Auth, "the server asks for a user and password (%d)", status)
		}
		return fail(condition.Auth, "the server refuses the user or password (%d)", status)
	case status == 404 || status == 410 || status == 454:
		return fail(condition.NotFound, "the server has no such stream (%d)", status)
	case status < 200 || status > 299:
		return fail(condition.BadStream, "the server answered %d %s", status, http.StatusText(status))
	case notVideo(kind):
		return fail(condition.BadStream, "the server sent %s, not video", kind)
	case slow:
		return fail(condition.Timeout, "the server answers, but no picture came in time")
	}
	return fail(condition.BadStream, "the server answers, but with no video that OpenCV understands")
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

// askHTTP requests the stream and returns the answer's status and content type without reading on.
func askHTTP(ctx context.Context, src spec.Source) (status int, kind string, err error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: insecure(), DisableKeepAlives: true}
	client := http.Client{Transport: transport}
	authorization := ""
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, src.URL.String(), nil)
		if err != nil {
			return 0, "", err
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		answer, err := client.Do(r)
		if err != nil {
			return 0, "", err
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized && authorization == "" && src.User != "" {
			authorization = authorize(answer.Header["Www-Authenticate"], src, r.Method, src.URL.RequestURI())
			if authorization != "" {
				continue
			}
		}
		kind, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
		return answer.StatusCode, kind, nil
	}
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
