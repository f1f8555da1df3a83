package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/media/h26x"
	"camd/pkg/source/tlsverify"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

func TestTLS(t *testing.T) {
	c := load(t, h26x.H264, "")
	served := &testpeer.RTSPCamera{Description: sdp(t, c.media(inSDP)), Play: sendAll(c.rtp(t, inSDP)), User: "admin", Password: "geheim"}
	pair := testpeer.Certificate{}.Make(t)
	loaded, err := tls.LoadX509KeyPair(pair.File, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := testpeer.ServeTLS(t, served.Serve(t), pair)
	for name, one := range map[string]struct {
		options tlsverify.Options
		want    Error
	}{
		"CA file":     {tlsverify.Options{CAFile: pair.File}, closed},
		"fingerprint": {tlsverify.Options{Fingerprint: tlsverify.Fingerprint(loaded.Leaf)}, closed},
		"unverified":  {tlsverify.Options{SkipVerify: true}, closed},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			o := r.options("rtsps://admin:geheim@" + server.Address + "/cam")
			o.TLS, o.Transport = one.options, "udp" // which does not apply
			wantError(t, read(t, o), one.want)
			c.check(t, r, "tcp")
		})
	}
	before := server.Received()
	for name, options := range map[string]tlsverify.Options{"unknown": {}, "another fingerprint": {Fingerprint: "sha256:00"}} {
		r := &recorder{}
		o := r.options("rtsps://admin:geheim@" + server.Address + "/cam")
		o.TLS = options
		got, ok := errors.AsType[*Error](read(t, o))
		if !ok || got.Reason != camera.Certificate || got.NeedsDecoder || server.Received() != before {
			t.Errorf("%s: %+v, sent %d bytes", name, got, server.Received()-before)
		}
	}
	o := (&recorder{}).options("rtsps://" + server.Address + "/cam")
	o.TLS.CAFile = pair.Key
	if got, ok := errors.AsType[*Error](read(t, o)); !ok || got.Reason != camera.Certificate {
		t.Errorf("got %v", got)
	}
}

func TestTLSRedirects(t *testing.T) {
	served := &testpeer.RTSPCamera{Answer: status(base.Describe, 302, base.Header{"Location": {"rtsps://127.0.0.1:1/x"}})}
	server := testpeer.ServeTLS(t, served.Serve(t), testpeer.Certificate{}.Make(t))
	o := (&recorder{}).options("rtsps://" + server.Address + "/cam")
	o.TLS.SkipVerify = true
	wantError(t, read(t, o), Error{Reason: camera.Redirect,
		Detail: "the camera redirects, and camd does not follow redirects of rtsps:// sources: set source to the new address"})
}

// A server that accepts connections and does not answer does not hold Read.
func TestTLSHandshakeThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			b := make([]byte, 1)
			_, _ = c.Read(b)
			cancel()
			<-t.Context().Done()
		}
	}()
	if err := Read(ctx, (&recorder{}).options("rtsps://"+l.Addr().String()+"/cam")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	o := (&recorder{}).options("rtsps://" + l.Addr().String() + "/cam")
	o.OpenTimeout = 100 * time.Millisecond
	wantError(t, read(t, o), Error{Reason: camera.Timeout, Detail: "no answer from " + l.Addr().String() + ": check its power, its network, and firewalls"})
	t.Cleanup(func() { <-done })
}
