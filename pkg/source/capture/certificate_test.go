package capture

import (
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/camera"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/tlsverify"
	"camd/pkg/source/wire"
)

// certificates holds the certificates that a camera may present. One authority has signed all that are not self-signed.
type certificates struct{ authority, good, expired, otherHost, selfSigned testpeer.KeyPair }

func makeCertificates(t *testing.T) certificates {
	ca := testpeer.Certificate{Name: "ca.example"}.Make(t)
	return certificates{
		authority: ca, good: ca.IssueServer(t, testpeer.Certificate{}), otherHost: ca.IssueServer(t, testpeer.Certificate{Name: "other.example"}),
		expired:    ca.IssueServer(t, testpeer.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}),
		selfSigned: testpeer.Certificate{}.Make(t),
	}
}

func fingerprint(t *testing.T, i testpeer.KeyPair) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.File, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return tlsverify.Fingerprint(pair.Leaf)
}

// certificateCase is a case of the tests below.
type certificateCase struct {
	name        string
	certificate testpeer.KeyPair
	tls         tlsverify.Options
	problem     string // "" means that pictures arrive
}

func certificateCases(c certificates) []certificateCase {
	ca := tlsverify.Options{CAFile: c.authority.File}
	return []certificateCase{
		{"signed by ca_file", c.good, ca, ""},
		{"self-signed in ca_file", c.selfSigned, tlsverify.Options{CAFile: c.selfSigned.File}, ""},
		{"verification off", c.otherHost, tlsverify.Options{SkipVerify: true}, ""},
		{"self-signed", c.selfSigned, tlsverify.Options{}, "the certificate is self-signed: set ca_file"},
		{"unknown authority", c.good, tlsverify.Options{}, "which is not trusted: set ca_file"},
		{"expired", c.expired, ca, "the certificate expired at "},
		{"another host", c.otherHost, ca, `the certificate is not for the host "127.0.0.1" but for other.example: install another certificate on the camera`},
	}
}

// check opens a source whose server is behind front, and reports whether the result is that of the case.
func (c certificateCase) check(t *testing.T, url string, front *testpeer.TLSServer) {
	t.Helper()
	d := startCapture(t, wire.Start{Source: url, User: "viewer", Password: secret, Capture: options.Capture{TLS: c.tls, FPS: 20}})
	d.send(wire.Demand{Wanted: true})
	if c.problem == "" {
		for d.next().picture == nil {
		}
		return
	}
	e, _ := awaitMessage[wire.Ended](d)
	if e.Reason != string(camera.Certificate) || !strings.Contains(e.Detail, c.problem) {
		t.Errorf("got %+v, want reason %q and %q", e, camera.Certificate, c.problem)
	}
	if n := front.Received(); n != 0 {
		t.Errorf("the server has received %d bytes", n)
	}
}

// FFmpeg reads rtsps://. It sends no request to a server whose certificate does not verify.
func TestRTSPSVerifiesTheCertificate(t *testing.T) {
	server := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264, User: "viewer", Password: secret})
	for _, v := range certificateCases(makeCertificates(t)) {
		t.Run(v.name, func(t *testing.T) {
			front := testpeer.ServeTLS(t, server.Address, v.certificate)
			v.check(t, "rtsps://"+front.Address+"/cam", front)
		})
	}
}

// FFmpeg's connections over https:// are all verified, also those for the segments of a playlist.
func TestPlaylistSegmentsVerifyTheCertificate(t *testing.T) {
	c := makeCertificates(t)
	pieces := serveFiles(t, map[string]string{"/piece.ts": tsSegment(t)})
	for _, v := range []certificateCase{{"good", c.good, tlsverify.Options{CAFile: c.authority.File}, ""}, {"another host", c.otherHost, tlsverify.Options{CAFile: c.authority.File}, "not for the host"}} {
		t.Run(v.name, func(t *testing.T) {
			second := testpeer.ServeTLS(t, pieces, v.certificate)
			list := serveFiles(t, map[string]string{"/list.m3u8": playlist("https://" + second.Address + "/piece.ts")})
			first := testpeer.ServeTLS(t, list, c.good)
			v.check(t, "https://"+first.Address+"/list.m3u8", second)
		})
	}
}

func TestFingerprintIsRefusedForWhatFFmpegPlays(t *testing.T) {
	c := makeCertificates(t)
	web := testpeer.ServeTLS(t, serveFiles(t, map[string]string{"/piece.ts": tsSegment(t)}), c.good)
	rtsp := testpeer.ServeTLS(t, testpeer.ServeRTSP(t, testpeer.RTSP{Clip: testpeer.H264}).Address, c.good)
	for _, url := range []string{"https://" + web.Address + "/piece.ts", "rtsps://" + rtsp.Address + "/cam"} {
		d := startCapture(t, wire.Start{Source: url, Capture: options.Capture{TLS: tlsverify.Options{Fingerprint: fingerprint(t, c.good)}}})
		d.send(wire.Demand{Wanted: true})
		if e, _ := awaitMessage[wire.Ended](d); e.Reason != string(camera.Certificate) || !strings.Contains(e.Detail, "set ca_file instead") {
			t.Errorf("%s: got %+v", url, e)
		}
	}
}

// serveFiles serves texts by their paths, and returns host:port.
func serveFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	return strings.TrimPrefix(serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		} else {
			w.Header().Set("Content-Type", "video/mp2t")
		}
		_, _ = w.Write([]byte(text))
	}), "http://")
}

// tsSegment returns a segment of a playlist: an MPEG transport stream.
func tsSegment(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(testpeer.Clip{Container: "ts"}.Make(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// playlist returns an HLS playlist of segments.
func playlist(urls ...string) string {
	text := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"
	for _, u := range urls {
		text += "#EXTINF:4.0,\n" + u + "\n"
	}
	return text + "#EXT-X-ENDLIST\n"
}

// A source is refused if FFmpeg opened it without a verification, because FFmpeg does not use GnuTLS.
func TestSourceWithoutVerificationIsRefused(t *testing.T) {
	for url, want := range map[string]bool{"rtsps://h/": true, "https://h/": true, "rtsp://h/": false, "http://h/": false} {
		for _, off := range []bool{false, true} {
			src, err := sourceurl.Parse(url)
			if err != nil {
				t.Fatal(err)
			}
			rules, err := newServerRules(src, wire.Start{Capture: options.Capture{TLS: tlsverify.Options{SkipVerify: off}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := (&connectionChecker{rules: rules}).checkVerified() != nil; got != (want && !off) {
				t.Errorf("%s, off %v: refused %v", url, off, got)
			}
		}
	}
}
