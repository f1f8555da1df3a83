package rtsp

import (
	"context"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

const (
	maxMedias      = 32
	writeTimeout   = 5 * time.Second
	reportInterval = 5 * time.Second            // RFC 3550, section 6.2
	never          = 100 * 365 * 24 * time.Hour // the library's timeouts use the wall clock, so camd has its own
)

// session is one connection to a camera.
type session struct {
	options  Options
	redactor sourceurl.Redactor
	dialer   *dialer
	client   *gortsplib.Client
	address  *base.URL
	stream   *stream
	media    *description.Media
	ssrc     uint32        // of camd's reports
	failed   chan struct{} // closed when failure is set

	hasAnswer atomic.Bool // the server has sent a response

	mu      sync.Mutex
	failure *Error
}

func newSession(o Options) (*session, error) {
	s := &session{options: o, redactor: sourceurl.NewRedactor(o.Source), ssrc: rand.Uint32(), failed: make(chan struct{})}
	verifier, err := tlsverify.New(o.TLS)
	if err != nil {
		return nil, &Error{Reason: camera.Certificate, Detail: s.redactor.Redact(err.Error())}
	}
	s.dialer = &dialer{source: o.Source, secrets: s.redactor, fail: s.fail}
	u := o.Source.URL
	if o.Source.User != "" || o.Source.Password != "" {
		u.User = url.UserPassword(o.Source.User, o.Source.Password)
	}
	s.address = (*base.URL)(&u)
	protocol := gortsplib.ProtocolTCP
	if o.Transport == "udp" {
		protocol = gortsplib.ProtocolUDP
	}
	s.client = &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &protocol, UserAgent: "camd", TLSConfig: verifier.Config(u.Hostname()),
		ReadTimeout: never, WriteTimeout: writeTimeout, DialContext: s.dialer.dial, OnResponse: s.checkResponse,
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}, OnTransportSwitch: func(error) {},
	}
	return s, nil
}

// fail ends the session with an error. Only the first one counts.
func (s *session) fail(e *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = e
		close(s.failed)
	}
}

// failureOr returns the error that ended the session, or other if there is none.
func (s *session) failureOr(other *Error) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.failure
	if e == nil {
		e = other
	}
	e.Detail = s.redactor.Redact(e.Detail)
	return e
}

// close ends the connection with a TEARDOWN if there is a session, and waits for the library's goroutines.
func (s *session) close() {
	s.dialer.end()
	s.client.Close()
}

// open lets the stream play. On an error, the session is closed.
func (s *session) open(ctx context.Context) error {
	if err := s.client.Start(); err != nil {
		return s.failureOr(s.cannotRead(err))
	}
	opening, cancel := context.WithTimeout(ctx, s.options.OpenTimeout)
	defer cancel()
	closed := make(chan struct{})
	stop := context.AfterFunc(opening, func() {
		defer close(closed)
		s.close()
	})
	err := s.request()
	if !stop() {
		<-closed
	}
	switch {
	case ctx.Err() != nil:
		s.close()
		return ctx.Err()
	case opening.Err() != nil:
		s.close()
		return s.failureOr(s.openTimedOut())
	case err != nil:
		s.close()
		return s.failureOr(s.explain(err))
	}
	return nil
}

// request sends the requests that let the stream play.
func (s *session) request() error {
	described, _, err := s.client.Describe(s.address)
	if err != nil {
		return err
	}
	media, chosen, err := choose(described.Medias)
	if err != nil {
		return err
	}
	if s.stream, err = newStream(s.options, chosen, s.fail); err != nil {
		return err
	}
	media.Formats = []format.Format{quietFormat{chosen}}
	if _, err := s.client.Setup(described.BaseURL, media, 0, 0); err != nil {
		return err
	}
	s.media = media
	s.client.OnPacketRTP(media, chosen, func(p *rtp.Packet) { s.stream.addPacket(p, time.Now()) })
	s.client.OnPacketRTCP(media, func(p rtcp.Packet) { s.stream.addReport(p, time.Now()) })

	if _, err := s.client.Play(nil); err != nil {
		return err
	}
	s.dialer.lift()
	s.stream.start()
	return nil
}

// play waits until the session ends.
func (s *session) play(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.client.Wait() }()
	err := s.watch(ctx, ended)
	s.close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// watch returns when the session has to end, with the reason.
func (s *session) watch(ctx context.Context, ended chan error) error {
	check := time.NewTimer(s.options.ReadTimeout)
	defer check.Stop()
	report := time.NewTicker(reportInterval)
	defer report.Stop()
	for {
		select {
		case <-ctx.Done():
			s.closeAndWait(ended)
			return ctx.Err()
		case <-s.failed:
			s.closeAndWait(ended)
			return s.failureOr(nil)
		case err := <-ended:
			return s.failureOr(s.explainEnd(err))
		case <-check.C:
			wait, failure := s.stream.check()
			if failure != nil {
				s.fail(failure)
				continue
			}
			check.Reset(wait)
		case <-report.C:
			s.report()
		}
	}
}

// report tells a camera that sends over UDP that somebody still receives (RFC 3550, section 6.4.2).
func (s *session) report() {
	if s.options.Transport == "udp" {
		_ = s.client.WritePacketRTCP(s.media, &rtcp.ReceiverReport{SSRC: s.ssrc}) // if it fails, so does the session
	}
}

// closeAndWait closes the session, and waits for the goroutine that waits for its end.
func (s *session) closeAndWait(ended chan error) {
	s.close()
	<-ended //nolint:errcheck // the session ends for another reason
}

// checkResponse checks where the server wants to send video from. The library would resolve any name that the server sends.
func (s *session) checkResponse(response *base.Response) {
	s.hasAnswer.Store(true)
	var transport headers.Transport
	if transport.Unmarshal(response.Header["Transport"]) != nil {
		return
	}
	if transport.Source2 != nil && s.options.Transport == "udp" && !s.dialer.isPeer(*transport.Source2) {
		s.fail(otherSender(shorten(s.redactor, *transport.Source2)))
		delete(response.Header, "Transport") // so that the library refuses the response
		return
	}
	transport.Source2 = nil
	response.Header["Transport"] = transport.Marshal()
}
