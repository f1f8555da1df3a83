package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/internal/testrun"
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

// servePicture serves one picture over http://, and returns host:port.
func servePicture(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "picture.jpg")
	if o := camd(t, "probe", "test://?size=64x64", "--snapshot", path, "--measure", "1ms"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	picture := readFile(t, path)
	return strings.TrimPrefix(serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(picture)
	})), "http://")
}

// spacesPattern matches the spaces between columns.
var spacesPattern = regexp.MustCompile(` +`)

// camd probe prints a camera's certificate, also if it does not verify, and the setting that accepts it.
func TestProbePrintsCertificate(t *testing.T) {
	dir := t.TempDir()
	own := testpeer.Certificate{}.Make(t)
	ca := testpeer.Certificate{Name: "ca.example"}.Make(t)
	good, other := ca.IssueServer(t, testpeer.Certificate{}), ca.IssueServer(t, testpeer.Certificate{Name: "other.example"})
	rtsp := testpeer.ServeRTSP(t, testpeer.RTSP{Clip: h264Clip})
	web := servePicture(t)
	https := func(i testpeer.KeyPair) string {
		return "https://" + testpeer.ServeTLS(t, web, i).Address + "/picture.jpg"
	}
	rtsps := func(i testpeer.KeyPair) string {
		return "rtsps://" + testpeer.ServeTLS(t, rtsp.Address, i).Address + "/cam"
	}
	saved := filepath.Join(dir, "camera.pem")
	for _, c := range []struct {
		name   string
		args   []string
		roots  string // SSL_CERT_FILE
		code   int
		stdout []string
		stderr string
	}{
		{"https, self-signed", []string{https(own)}, "", 1, []string{
			"certificate CN=camd's test 127.0.0.1", "names 127.0.0.1", "expires 20", "fingerprint " + fingerprint(t, own),
			"verifies no: the certificate is self-signed", "to accept it fingerprint: " + fingerprint(t, own),
		}, "the camera's certificate could not be verified: the certificate is self-signed: set ca_file, or set fingerprint: " + fingerprint(t, own)},
		{"https, fingerprint", []string{https(own), "--fingerprint", fingerprint(t, own)}, "", 0, []string{"verifies yes", "codec "}, ""},
		{"https, the system's roots", []string{https(good)}, ca.File, 0, []string{"verifies yes", "codec "}, ""},
		{"rtsps, self-signed", []string{rtsps(own), "--save-certificate", saved}, "", 1, []string{
			"verifies no: the certificate is self-signed", "to accept it fingerprint: " + fingerprint(t, own), "certificate written to " + saved,
		}, "the certificate is self-signed: set ca_file, or set fingerprint: " + fingerprint(t, own)},
		{"rtsps, self-signed, OpenCV", []string{rtsps(own), "--reader", "opencv"}, "", 1, []string{"to accept it ca_file: camera.pem"},
			"the certificate is self-signed: set ca_file to a file with the certificate to trust"},
		{"rtsps, ca_file that was saved", []string{rtsps(own), "--ca-file", saved}, "", 0, []string{"verifies yes", "h264"}, ""},
		{"rtsps, the system's roots", []string{rtsps(good)}, ca.File, 0, []string{"verifies yes", "h264"}, ""},
		{"rtsps, another host", []string{rtsps(other)}, ca.File, 1, []string{"to accept it fingerprint: "}, `not for the host "127.0.0.1" but for other.example`},
		{"rtsps, not verified", []string{rtsps(other), "--tls-verify=false"}, "", 0, []string{"verifies not checked", "h264"}, ""},
		{"rtsps, fingerprint", []string{rtsps(own), "--fingerprint", fingerprint(t, own)}, "", 0, []string{"verifies yes", "h264"}, ""},
		{"rtsps, fingerprint, OpenCV", []string{rtsps(own), "--fingerprint", fingerprint(t, own), "--reader", "opencv"}, "", 2, nil, "FFmpeg cannot check it; use --ca-file"},
		{"http", []string{"http://127.0.0.1/", "--tls-verify=false"}, "", 2, nil, "apply only to an https:// or rtsps:// source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(testrun.Program(t, "camd"), append([]string{"probe", "--measure", "300ms"}, c.args...)...)
			cmd.Env = os.Environ()
			if c.roots != "" {
				cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+c.roots)
			}
			o := runCommand(t, cmd)
			if o.code != c.code || !strings.Contains(o.stderr, c.stderr) {
				t.Errorf("exit code %d, want %d; stderr %s, want %s", o.code, c.code, o.stderr, c.stderr)
			}
			for _, want := range c.stdout {
				if !strings.Contains(spacesPattern.ReplaceAllString(o.stdout, " "), want) {
					t.Errorf("%q is not in\n%s", want, o.stdout)
				}
			}
		})
	}
}

// A camera whose certificate does not verify is offline with the reason, and live once the configuration accepts it.
func TestCameraWithUnverifiedCertificateIsOffline(t *testing.T) {
	own := testpeer.Certificate{}.Make(t)
	front := testpeer.ServeTLS(t, servePicture(t), own)
	text := func(keys string) string {
		return fmt.Sprintf("listen: 127.0.0.1:0\ncameras: [{id: yard, source: 'https+poll://%s/picture.jpg', fps: 10%s}]\n", front.Address, keys)
	}
	d := start(t, options{config: text("")})
	s := d.waitForState("yard", "offline")
	if s.Reason != "certificate" || !strings.Contains(s.Detail, "self-signed: set ca_file, or set fingerprint: "+fingerprint(t, own)) {
		t.Errorf("got %+v", s)
	}
	if n := front.Received(); n != 0 {
		t.Errorf("the camera has received %d bytes", n)
	}
	d.reloadWith(text(", fingerprint: '" + fingerprint(t, own) + "'"))
	d.waitForState("yard", "live")
}

func TestDoctorVerifiesCameraCertificates(t *testing.T) {
	own, old := testpeer.Certificate{}.Make(t), testpeer.Certificate{NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}.Make(t)
	web := servePicture(t)
	good, bad := testpeer.ServeTLS(t, web, own).Address, testpeer.ServeTLS(t, web, old).Address
	config := write(t, t.TempDir(), "camd.yaml", fmt.Sprintf("listen: 127.0.0.1:0\ncameras: [{id: good, source: 'https://%s/', ca_file: %s}, "+
		"{id: bad, source: 'rtsps://%s/', ca_file: %s}, {id: any, source: 'https://%s/', tls_verify: false}]\n", good, own.File, bad, old.File, bad))
	all, code := runDoctor(t, exec.Command(testrun.Program(t, "camd"), "doctor", "--json", "-c", config))
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	for text, verdict := range map[string]string{
		"camera good: its certificate verifies, valid until ": "ok", "camera bad: the certificate expired at ": "FAIL", "camera any: its certificate is not verified": "warn",
	} {
		if f, ok := findFinding(all, "camera", text); !ok || f.Verdict != verdict {
			t.Errorf("%s: want %s, got %+v", text, verdict, all)
		}
	}
}
