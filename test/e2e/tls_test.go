package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/source/framenumber"
)

// encryptedConfig is a configuration with n small test cameras, served with a certificate.
func encryptedConfig(i testpeer.KeyPair, n int) string {
	config := fmt.Sprintf("tls: {certificate: %s, key: %s}\ncameras:\n", i.File, i.Key)
	for n := range n {
		config += fmt.Sprintf("  - {id: c%d, title: Camera %d, source: 'test://?size=320x180&fps=5', stall_timeout: 2m}\n", n, n)
	}
	return config
}

// curl gets everything over TLS with HTTP/1.1 and HTTP/2, and streams end cleanly.
func TestEverythingIsServedOverTLS(t *testing.T) {
	t.Parallel()
	curl, i := testpeer.RequireProgram(t, "curl", "curl"), testpeer.Certificate{}.Make(t)
	d := start(t, options{config: encryptedConfig(i, 1)})
	d.waitForState("c0", "live")
	if !strings.HasPrefix(d.URL, "https://") {
		t.Fatalf("the dashboard is at %s", d.URL)
	}
	ask := func(path string, args ...string) commandResult {
		return run(t, curl, append([]string{"-sS", "--cacert", i.File, "-w", "%{stderr}%{http_version} %{http_code}", d.URL + path}, args...)...)
	}
	streams := map[string]*exec.Cmd{}
	bodies := map[string]*testrun.Output{}
	for version, option := range map[string]string{"1.1": "--http1.1", "2": "--http2"} {
		for _, c := range []struct{ path, want, code string }{
			{"/", "<title>", "200"}, {"/cameras/c0/snapshot.jpg", "\xff\xd8", "200"}, {"/metrics", "camd_camera_up", "200"},
			{"/api/v1/cameras", `"state": "live"`, "200"}, {"/cameras/c0/stream.mjpg?fps=-1", "fps", "400"},
			{"/api/v1/wall", "WebSocket", map[string]string{"1.1": "426", "2": "400"}[version]},
		} {
			if o := ask(c.path, option); o.stderr != version+" "+c.code || !strings.Contains(o.stdout, c.want) {
				t.Errorf("%s %s: %q, %.200q", option, c.path, o.stderr, o.stdout)
			}
		}
		eventually(t, "304", func() bool {
			_, h, _ := get(t, d.URL+"/cameras/c0/snapshot.jpg")
			return ask("/cameras/c0/snapshot.jpg", option, "-H", "If-None-Match: "+h.Get("ETag")).stderr == version+" 304"
		})
		bodies[version] = &testrun.Output{}
		streams[version] = exec.Command(curl, "-sSN", "--cacert", i.File, option, d.URL+"/cameras/c0/stream.mjpg")
		streams[version].Stdout, streams[version].Stderr = bodies[version], os.Stderr
		if err := streams[version].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for version := range streams {
		eventually(t, "pictures", func() bool { return strings.Count(bodies[version].String(), "Content-Length") > 5 })
	}
	for _, transport := range []string{"http1", "http2"} {
		if n := d.metric(`camd_viewers{camera="c0",rendition="main",transport="` + transport + `"}`); n != 1 {
			t.Errorf("%v viewers over %s, want 1", n, transport)
		}
	}
	code, took := d.stop()
	t.Logf("stopping took %v", took)
	for version, cmd := range streams {
		err := cmd.Wait()
		if n, rest := countParts([]byte(bodies[version].String())); err != nil || n == 0 || rest != "" || code != 0 {
			t.Errorf("HTTP/%s: %d pictures, then %q, %v; camd ended with %d", version, n, rest, err, code)
		}
	}
}

// A client without TLS, or with a TLS version that is too old, gets an answer that says so.
func TestOldOrMissingTLSIsRefused(t *testing.T) {
	t.Parallel()
	curl, i := testpeer.RequireProgram(t, "curl", "curl"), testpeer.Certificate{}.Make(t)
	d := start(t, options{config: encryptedConfig(i, 1)})
	if o := run(t, curl, "-sS", "-i", strings.Replace(d.URL, "https", "http", 1)); !strings.HasPrefix(o.stdout, "HTTP/1.1 308 ") || !strings.Contains(o.stdout, "This port serves HTTPS: "+d.URL) {
		t.Errorf("without TLS: %+v", o)
	}
	if o := run(t, curl, "-sS", "--cacert", i.File, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", d.URL+"/healthz"); o.code == 0 {
		t.Errorf("TLS 1.1: %+v", o)
	}
	if o := run(t, curl, "-sS", d.URL+"/healthz"); o.code == 0 {
		t.Errorf("curl accepts a self-signed certificate: %+v", o)
	}
}

// healthcheck accepts only its own camd's certificate, whatever names it has. The log warns of problems of a certificate.
func TestHealthcheckAcceptsOwnCertificateAndLogWarns(t *testing.T) {
	t.Parallel()
	mine := testpeer.Certificate{Name: "cameras.example", NotAfter: time.Now().Add(-time.Hour)}.Make(t)
	other := testpeer.Certificate{}.Make(t)
	if err := os.Chmod(mine.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	d := start(t, options{config: encryptedConfig(mine, 1), args: []string{"--listen", listen}})
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-c", write(t, t.TempDir(), "camd.yaml", "listen: "+listen+"\n"+encryptedConfig(mine, 1))}, 0, "ok"},
		{[]string{"-c", write(t, t.TempDir(), "camd.yaml", "listen: "+listen+"\n"+encryptedConfig(other, 1))}, 1, "another certificate"},
		{[]string{"-c", write(t, t.TempDir(), "camd.yaml", encryptedConfig(mine, 1)), "--listen", listen}, 0, "ok"},
		{[]string{"--url", d.URL + "/healthz"}, 1, "certificate"},
		{[]string{"-c", write(t, filepath.Dir(other.File), "camd.yaml", "tls: {certificate: cert.pem, key: "+mine.Key+"}\n")}, 2, "camd.yaml:1:35: key: "},
	} {
		if o := camd(t, append([]string{"healthcheck"}, c.args...)...); o.code != c.code || !strings.Contains(o.stdout+o.stderr, c.says) {
			t.Errorf("%v: %+v, want %d with %q", c.args, o, c.code, c.says)
		}
	}
	for _, what := range []string{"certificate expired", "key exposed"} {
		if !strings.Contains(d.stderr.String(), what) {
			t.Errorf("the log does not have %q:\n%s", what, d.stderr.String())
		}
	}
}

// Twelve <img> play in one page over one connection. With HTTP/1.1 only six would.
func TestTwelveStreamsPlayInOnePage(t *testing.T) {
	t.Parallel()
	const cameras = 12
	i := testpeer.Certificate{}.Make(t)
	d := start(t, options{config: encryptedConfig(i, cameras)})
	for n := range cameras {
		d.waitForState(fmt.Sprint("c", n), "live")
	}
	b := openBrowser(t, 1280, 800, chromedp.Flag("ignore-certificate-errors-spki-list", i.SPKIHash))
	b.do(chromedp.Navigate(d.URL + "/healthz")) // an empty page of this origin
	b.evaluate(`(() => {
		for (let n = 0; n < ` + itoa(cameras) + `; n++) {
			const img = document.createElement('img');
			img.src = '/cameras/c' + n + '/stream.mjpg';
			document.body.append(img);
		}
		return '';
	})()`)
	var first [cameras]uint32
	for n := range cameras {
		eventually(t, fmt.Sprint("image ", n, " to show pictures"), func() (ok bool) {
			first[n], ok = b.imageNumber(n)
			return ok
		})
	}
	for n := range cameras {
		eventually(t, fmt.Sprint("image ", n, " to move"), func() bool {
			now, ok := b.imageNumber(n)
			return ok && now > first[n]
		})
	}
	addresses := map[string]int{}
	for _, v := range d.viewers("") {
		if v.Transport != "http2" {
			t.Errorf("%s is watched over %s", v.Camera, v.Transport)
		}
		addresses[v.Address]++
	}
	if len(addresses) != 1 {
		t.Errorf("streams by connection: %v, want %d over one", addresses, cameras)
	}
}

// imageNumber returns the frame number that the page's image n shows.
func (b *browser) imageNumber(n int) (uint32, bool) {
	b.t.Helper()
	img := b.image(`(() => {
		const img = document.images[` + itoa(n) + `];
		if (!img.naturalWidth) return '';
		const canvas = document.createElement('canvas');
		canvas.width = img.naturalWidth;
		canvas.height = img.naturalHeight;
		canvas.getContext('2d').drawImage(img, 0, 0);
		return canvas.toDataURL('image/png');
	})()`)
	if img == nil {
		return 0, false
	}
	return framenumber.Decode(img)
}

// The dashboard's WebSocket is encrypted like its page.
func TestDashboardWorksOverTLS(t *testing.T) {
	t.Parallel()
	i := testpeer.Certificate{}.Make(t)
	d := start(t, options{config: encryptedConfig(i, 8)})
	b := openBrowser(t, 1280, 800, chromedp.Flag("ignore-certificate-errors-spki-list", i.SPKIHash))
	b.do(chromedp.Navigate(d.URL + "/"))
	for n := range 8 {
		waitForMotion(t, b, fmt.Sprint("Camera ", n))
	}
	for _, v := range d.viewers("") {
		if v.Transport != "websocket" {
			t.Errorf("%s is watched over %s", v.Camera, v.Transport)
		}
	}
	b.checkConsole()
}
