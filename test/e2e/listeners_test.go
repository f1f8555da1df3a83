package e2e

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"camd/internal/statedir"
	"camd/internal/testpeer"
)

// openssl and curl test all kinds of listeners of a camd that requires client certificates.
func TestListenersWithClientCertificates(t *testing.T) {
	t.Parallel()
	curl, openssl := testpeer.RequireProgram(t, "curl", "curl"), testpeer.RequireProgram(t, "openssl", "openssl")
	authority, stranger, first := testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t), testpeer.Certificate{}.Make(t)
	anna, other := authority.IssueClient(t, "anna", time.Now().Add(time.Hour)), stranger.IssueClient(t, "anna", time.Now().Add(time.Hour))
	live := filepath.Join(t.TempDir(), "live") // a link to the newest certificate, as certbot has it
	if err := os.Symlink(filepath.Dir(first.File), live); err != nil {
		t.Fatal(err)
	}
	listen, metrics, plain := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t)), fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t)), fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	socket, heard := listenNotify(t)
	d := start(t, options{
		config: fmt.Sprintf("listen: %s\nmetrics_listen: %s\ntls: {certificate: %[3]s/cert.pem, key: %[3]s/key.pem, client_ca: %[4]s, min_version: 1.3, hsts: 180d, redirect_from: %[5]s}\n",
			listen, metrics, live, authority.File, plain) + healthyCamera,
		args: []string{"--listen", listen}, env: []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=1200000"},
	})
	ask := func(args ...string) commandResult {
		return run(t, curl, append([]string{"-sS", "-i", "--cacert", first.File}, args...)...)
	}
	known := []string{"--cert", anna.File, "--key", anna.Key}

	t.Run("clients", func(t *testing.T) {
		for _, c := range []struct {
			what string
			args []string
			says string // empty means that the client is refused
		}{
			{"a certificate of the CA", known, "HTTP/2 200"},
			{"no certificate", nil, ""},
			{"a certificate of another CA", []string{"--cert", other.File, "--key", other.Key}, ""},
			{"TLS 1.2", append([]string{"--tls-max", "1.2"}, known...), ""},
		} {
			o := ask(append([]string{d.URL + "/healthz"}, c.args...)...)
			if (o.code == 0) != (c.says != "") || !strings.Contains(o.stdout, c.says) {
				t.Errorf("%s: %+v", c.what, o)
			}
		}
		o := ask(append([]string{d.URL + "/healthz"}, known...)...)
		if !strings.Contains(o.stdout, "strict-transport-security: max-age=15552000\r\n") {
			t.Errorf("no HSTS:\n%s", o.stdout)
		}
		text := run(t, openssl, "s_client", "-connect", listen, "-cert", anna.File, "-key", anna.Key).stdout
		if !strings.Contains(text, "Acceptable client certificate CA names\nCN = camd's test") || !strings.Contains(text, "TLSv1.3") {
			t.Errorf("openssl: %s", text)
		}
	})
	t.Run("healthcheck and watchdog", func(t *testing.T) {
		if o := camd(t, "healthcheck", "-c", d.config); o.code != 0 {
			t.Errorf("healthcheck: %+v", o)
		}
		fed := strings.Count(heard.String(), "WATCHDOG=1")
		eventually(t, "the watchdog to be fed", func() bool { return strings.Count(heard.String(), "WATCHDOG=1") > fed+1 })
	})
	t.Run("metrics", func(t *testing.T) {
		for _, c := range []struct {
			path string
			code int
			says string
		}{{"/metrics", 200, "camd_camera_up"}, {"/healthz", 200, "ok"}, {"/readyz", 200, "ready"}, {"/", 404, "/metrics"}, {"/cameras/healthy/snapshot.jpg", 404, ""}} {
			eventually(t, c.path, func() bool {
				code, h, text := get(t, "http://"+metrics+c.path)
				if h.Get("Strict-Transport-Security") != "" {
					t.Error("HSTS over plain HTTP")
				}
				return code == c.code && strings.Contains(string(text), c.says)
			})
		}
		if o := ask(append([]string{d.URL + "/metrics"}, known...)...); !strings.Contains(o.stdout, "HTTP/2 404") || !strings.Contains(o.stdout, "metrics_listen") {
			t.Errorf("metrics on the main listener: %s", o.stdout)
		}
	})
	t.Run("redirect", func(t *testing.T) {
		for _, c := range []struct{ host, path, to string }{
			{plain, "/cameras/healthy/?a=b&c=%2F", d.URL + "/cameras/healthy/?a=b&c=%2F"},
			{plain, "//evil.example/%0d%0aX: y", d.URL + "//evil.example/%0d%0aX:%20y"},
			{"localhost", "/", strings.Replace(d.URL, "127.0.0.1", "localhost", 1) + "/"},
			{"evil.example", "/", ""}, {"127.0.0.1@evil.example", "/", ""}, {"127.0.0.1.evil.example:80", "/", ""}, {"[::1", "/", ""},
		} {
			o := run(t, curl, "-sS", "-w", "%{stderr}%{http_code} %{redirect_url}", "-X", "POST", "--path-as-is", "-H", "Host: "+c.host,
				"http://"+plain+strings.ReplaceAll(c.path, " ", "%20"))
			if want := "308 " + c.to; c.to != "" && o.stderr != want || c.to == "" && !regexp.MustCompile(`^4\d\d $`).MatchString(o.stderr) {
				t.Errorf("%s%s: %q, want %q", c.host, c.path, o.stderr, want)
			}
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		address := "http://" + listen
		long := "X: " + strings.Repeat("x", 6000)
		for _, c := range []struct {
			args   []string
			status string
			to     string // the header Location
			says   string
		}{
			{[]string{address + "/cameras/healthy/?a=b"}, "308 Permanent Redirect", d.URL + "/cameras/healthy/?a=b", "This port serves HTTPS: " + d.URL},
			{[]string{"-H", long, address}, "308 Permanent Redirect", d.URL + "/", ""},
			{[]string{"-I", address}, "308 Permanent Redirect", d.URL + "/", ""},
			{[]string{"-d", "user=anna&password=s3cret", address + "/login"}, "400 Bad Request", "", "This port serves HTTPS: " + d.URL + "/"},
			{[]string{"-u", "anna:s3cret", address}, "400 Bad Request", "", "This port serves HTTPS: " + d.URL + "/"},
			{[]string{"-H", "Host: evil.example", address}, "400 Bad Request", "", "Use https:// in the address."},
		} {
			o := run(t, curl, append([]string{"-sS", "-i"}, c.args...)...)
			location := regexp.MustCompile(`(?m)^Location: (.*)\r$`).FindStringSubmatch(o.stdout + "\nLocation: \r\n")[1]
			if o.code != 0 || !strings.HasPrefix(o.stdout, "HTTP/1.1 "+c.status) || location != c.to || !strings.Contains(o.stdout, c.says) {
				t.Errorf("%v: %+v", c.args, o)
			}
		}
	})
	t.Run("reload", func(t *testing.T) {
		next := strings.Replace(string(readFile(t, d.config)), "min_version: 1.3, hsts: 180d", "client_auth: request, hsts: 1h", 1)
		write(t, filepath.Dir(d.config), "camd.yaml", next)
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a client without a certificate to be accepted", func() bool {
			return strings.Contains(ask("--tls-max", "1.2", d.URL+"/healthz").stdout, "strict-transport-security: max-age=3600\r\n")
		})
		if o := ask(d.URL+"/healthz", "--cert", other.File, "--key", other.Key); o.code == 0 {
			t.Errorf("a certificate of another CA: %+v", o)
		}
	})
	t.Run("renewal", func(t *testing.T) { checkRenewal(t, d, openssl, "http://"+metrics+"/metrics", live) })
}

// checkRenewal lets a link point to one certificate after another, and checks that camd serves each complete one.
func checkRenewal(t *testing.T, d *daemon, openssl, metrics, live string) {
	listen := strings.TrimPrefix(d.URL, "https://")
	shown := func() string {
		return run(t, "sh", "-c", `"$0" s_client -connect "$1" </dev/null 2>/dev/null | "$0" x509 -noout -fingerprint -sha256`, openssl, listen).stdout
	}
	swap := func(i testpeer.KeyPair) {
		next := live + ".next"
		if err := os.Symlink(filepath.Dir(i.File), next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, live); err != nil {
			t.Fatal(err)
		}
	}
	value := func(series string) string {
		_, _, text := get(t, metrics)
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, series+" "); ok {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	before := shown()
	half := testpeer.Certificate{}.Make(t)
	key, err := os.ReadFile(half.Key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(half.Key), "key.pem", string(key[:40]))
	swap(half)
	eventually(t, "camd to see the truncated key", func() bool { return value(`camd_tls_certificate_reloads_total{result="failed"}`) == "1" })
	if now := shown(); now != before || !strings.Contains(now, "Fingerprint") || value("camd_tls_certificate_last_reload_success") != "0" ||
		!strings.Contains(d.stderr.String(), "certificate not renewed") {
		t.Errorf("shown %s, before %s", now, before)
	}
	write(t, filepath.Dir(half.Key), "key.pem", string(key)) // in place; the link stays
	want := run(t, openssl, "x509", "-in", half.File, "-noout", "-fingerprint", "-sha256").stdout
	eventually(t, "camd to serve the complete pair", func() bool { return shown() == want })
	if n := value(`camd_tls_certificate_reloads_total{result="ok"}`); n != "1" || value("camd_tls_certificate_last_reload_success") != "1" {
		t.Errorf("%s reloads are counted, want 1", n)
	}
	until := value("camd_tls_certificate_not_after_timestamp_seconds")
	next := testpeer.Certificate{NotAfter: time.Now().Add(90 * 24 * time.Hour)}.Make(t)
	swap(next)
	eventually(t, "the next certificate in the metrics", func() bool { return value("camd_tls_certificate_not_after_timestamp_seconds") != until })
	if _, fingerprint, _ := strings.Cut(shown(), "="); !strings.Contains(d.stderr.String(), strings.TrimSpace(fingerprint)) {
		t.Errorf("the log does not name %s", fingerprint)
	}
}

// The self-signed certificate is the same after a restart, and the log has its fingerprint.
func TestSelfSignedCertificateIsKeptOverRestart(t *testing.T) {
	t.Parallel()
	curl, openssl := testpeer.RequireProgram(t, "curl", "curl"), testpeer.RequireProgram(t, "openssl", "openssl")
	dir := t.TempDir()
	plain := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	config := "tls: {self_signed: true, redirect_from: '" + plain + "'}\nstate_dir: " + dir + "\n" + healthyCamera
	made := filepath.Join(dir, "self-signed.pem")
	var prints []string
	for range 2 {
		d := start(t, options{config: config})
		if o := run(t, curl, "-sS", "--cacert", made, d.URL+"/healthz"); o.stdout != "ok\n" {
			t.Errorf("%+v", o)
		}
		if o := camd(t, "healthcheck", "-c", d.config, "--listen", strings.TrimPrefix(d.URL, "https://")); o.code != 0 {
			t.Errorf("healthcheck: %+v", o)
		}
		if len(prints) == 0 {
			pair, err := tls.LoadX509KeyPair(made, made)
			if err != nil {
				t.Fatal(err)
			}
			b := openBrowser(t, 800, 600, chromedp.Flag("ignore-certificate-errors-spki-list", testpeer.SPKIHash(pair.Leaf)))
			b.do(chromedp.Navigate("http://" + plain + "/cameras/healthy/"))
			b.waitForText(d.URL+"/cameras/healthy/", "location.href")
		}
		d.stop()
		o := run(t, openssl, "x509", "-in", made, "-noout", "-fingerprint", "-sha256", "-ext", "subjectAltName")
		print := regexp.MustCompile(`([0-9A-F]{2}:){31}[0-9A-F]{2}`).FindString(o.stdout)
		if print == "" || !strings.Contains(d.stderr.String(), print) || !strings.Contains(o.stdout, "IP Address:127.0.0.1") {
			t.Errorf("%s\n%s", o.stdout, d.stderr.String())
		}
		prints = append(prints, print)
	}
	if prints[0] != prints[1] {
		t.Errorf("%v", prints)
	}
	config = write(t, dir, "homeless.yaml", "listen: 127.0.0.1:0\ntls: {self_signed: true}\n"+noCameras)
	for _, command := range []string{"check", "serve"} {
		if command == "check" && statedir.OfService() != "" { // the service on this machine would have a directory
			continue
		}
		o := camd(t, command, "-c", config)
		if o.code != 2 || !strings.Contains(o.stderr, `homeless.yaml:2:7: self_signed: there is no directory for the certificate; add a line such as "state_dir: state"`) {
			t.Errorf("%s: %+v", command, o)
		}
	}
	config = write(t, dir, "exposed.yaml", "listen: 0.0.0.0:0\ntls: {self_signed: true}\n"+noCameras)
	if o := camd(t, "check", config); o.code != 2 || statedir.OfService() == "" && strings.Count(o.stderr, "exposed.yaml:") != 2 {
		t.Errorf("not both mistakes: %+v", o)
	}
}
