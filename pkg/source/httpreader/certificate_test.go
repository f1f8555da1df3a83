package httpreader

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
)

func fingerprint(t *testing.T, i testpeer.KeyPair) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.File, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return tlsverify.Fingerprint(pair.Leaf)
}

// certificateCase is a certificate that a camera presents, with the options of the source.
type certificateCase struct {
	name        string
	certificate testpeer.KeyPair
	tls         tlsverify.Options
	problem     string // "" means that pictures arrive
}

func certificateCases(t *testing.T) []certificateCase {
	authority := testpeer.Certificate{Name: "ca.example"}.Make(t)
	good, otherHost := authority.IssueServer(t, testpeer.Certificate{}), authority.IssueServer(t, testpeer.Certificate{Name: "other.example"})
	expired := authority.IssueServer(t, testpeer.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	selfSigned := testpeer.Certificate{}.Make(t)
	ca := tlsverify.Options{CAFile: authority.File}
	return []certificateCase{
		{"signed by ca_file", good, ca, ""},
		{"self-signed in ca_file", selfSigned, tlsverify.Options{CAFile: selfSigned.File}, ""},
		{"verification off", otherHost, tlsverify.Options{SkipVerify: true}, ""},
		{"self-signed", selfSigned, tlsverify.Options{}, "the certificate is self-signed: set ca_file"},
		{"unknown authority", good, tlsverify.Options{}, "which is not trusted: set ca_file"},
		{"expired", expired, ca, "the certificate expired at "},
		{"another host", otherHost, ca, `the certificate is not for the host "127.0.0.1" but for other.example: install another certificate on the camera`},
		{"fingerprint", selfSigned, tlsverify.Options{Fingerprint: fingerprint(t, selfSigned)}, ""},
		{"fingerprint of an expired one", expired, tlsverify.Options{Fingerprint: fingerprint(t, expired)}, ""},
		{"another fingerprint", good, tlsverify.Options{Fingerprint: fingerprint(t, selfSigned)},
			"the certificate is not the one whose fingerprint is configured: set fingerprint: " + fingerprint(t, good)},
		{"no ca_file", good, tlsverify.Options{CAFile: "/none.pem"}, "read ca_file: open /none.pem: no such file"},
	}
}

// No request is sent to a server whose certificate does not verify.
func TestHTTPSVerifiesTheCertificate(t *testing.T) {
	server := httptest.NewServer(requireDigest("viewer", secret, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/snapshot.jpg" {
			w.Header().Set("Content-Type", "image/jpeg")
			_, _ = w.Write(testpeer.GrayJPEG(t, 64))
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
		sendRepeatedly(w, r, part(testpeer.GrayJPEG(t, 64)))
	}))
	t.Cleanup(server.Close)
	all := certificateCases(t)
	for scheme, path := range map[string]string{"https": "/stream", "https+poll": "/snapshot.jpg"} {
		for _, c := range all {
			t.Run(scheme+" "+c.name, func(t *testing.T) {
				front := testpeer.ServeTLS(t, server.Listener.Addr().String(), c.certificate)
				d := startRead(t, scheme+"://"+front.Address+path, Options{Source: sourceurl.Source{User: "viewer", Password: secret}, TLS: c.tls, FPS: 20})
				if c.problem == "" {
					d.frame()
					return
				}
				e := d.failure()
				if e.Reason != camera.Certificate || e.Unsupported || !strings.Contains(e.Detail, c.problem) {
					t.Errorf("got %+v, want reason %q and a supported source", e, camera.Certificate)
				}
				if n := front.Received(); n != 0 {
					t.Errorf("the server has received %d bytes", n)
				}
			})
		}
	}
}

// Only FFmpeg reads such a source, and it cannot check a fingerprint.
func TestFingerprintOfUnsupportedSourceIsACertificateFailure(t *testing.T) {
	c := testpeer.Certificate{}.Make(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "video/mp2t") }))
	t.Cleanup(server.Close)
	front := testpeer.ServeTLS(t, server.Listener.Addr().String(), c)
	e := startRead(t, "https://"+front.Address+"/video.ts", Options{TLS: tlsverify.Options{Fingerprint: fingerprint(t, c)}}).failure()
	if e.Reason != camera.Certificate || e.Unsupported {
		t.Errorf("got %+v, want reason %q and a supported source", e, camera.Certificate)
	}
}
