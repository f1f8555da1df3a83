package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxResponseSize bounds what is read of a response's header and of its body, in bytes. The body is discarded.
const maxResponseSize = 64 << 10

// maxRetryAfter is the longest Retry-After that is followed.
const maxRetryAfter = 5 * time.Minute

// failure is why an attempt failed.
type failure struct {
	problem    string        // for people, without the receiver's address
	permanent  bool          // another attempt would fail, too
	retryAfter time.Duration // the receiver's Retry-After; 0 if it has none
}

func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout, // for the whole request, including the response's body
		Transport: &http.Transport{
			Proxy:                  environmentProxy,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           1,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: maxResponseSize,
		},
		// A request that is signed for one receiver must not be sent to another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post makes one attempt. It returns nil if the receiver has accepted the delivery.
func (w *Webhook) post(ctx context.Context, l *delivery) *failure {
	now := time.Now()
	signature, err := w.signer.Sign(l.id, now, l.body)
	if err != nil {
		return &failure{problem: "sign: " + err.Error(), permanent: true}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.opts.URL.String(), bytes.NewReader(l.body))
	if err != nil {
		return &failure{problem: "the receiver's address is invalid", permanent: true}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "camd")
	r.Header.Set(standard.HeaderWebhookID, l.id)
	r.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standard.HeaderWebhookSignature, signature)
	response, err := w.client.Do(r)
	if err != nil {
		return &failure{problem: describeError(err)}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxResponseSize)
	return classify(response)
}

// classify returns why a response is a failure, or nil.
func classify(response *http.Response) *failure {
	code := response.StatusCode
	r := &failure{problem: fmt.Sprintf("the receiver answers %d %s", code, http.StatusText(code))}
	switch {
	case 200 <= code && code < 300:
		return nil
	case 300 <= code && code < 400:
		r.problem += ": camd does not follow redirects, set url to the final address"
		r.permanent = true
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500:
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			r.retryAfter = min(time.Duration(min(seconds, 1e6))*time.Second, maxRetryAfter)
		}
	default:
		r.permanent = true
	}
	return r
}

// describeError says why there was no response. It repeats only errors that cannot contain text of the receiver or a proxy, which may
// echo secrets of the request. It does not repeat the URL, whose path may be secret.
func describeError(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return "the receiver does not answer in time"
		}
		err = u.Err
	}
	op, network := errors.AsType[*net.OpError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.Is(err, errProxy):
		return errProxy.Error()
	case network && op.Op == "proxyconnect":
		return "cannot reach the proxy of HTTP_PROXY or HTTPS_PROXY"
	case network, unknown, invalid, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, http.ErrSchemeMismatch):
		return err.Error()
	case other:
		return "the receiver's certificate is for another host"
	}
	return "the receiver's answer is not valid HTTP"
}

// errProxy replaces the error about an invalid proxy address, because that error shows the address with its password.
var errProxy = errors.New("HTTP_PROXY or HTTPS_PROXY in the environment is not the address of a proxy")

func environmentProxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}
