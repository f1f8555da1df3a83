package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// A real ACME server issues certificates by each challenge. They are kept over a restart and without the server. Clients that use
// another name, or that connect before there is a certificate, get the self-signed one.
func TestACMECertificateIsObtainedAndKept(t *testing.T) {
	t.Parallel()
	curl, authority := testpeer.RequireProgram(t, "curl", "curl"), testpeer.ServePebble(t)
	root := authority.RootCA(t)
	elsewhere := testpeer.FreePort(t)
	clients := testpeer.Certificate{}.Make(t) // camd requires client certificates of this CA, except from the ACME server
	anna := clients.IssueClient(t, "anna", time.Now().Add(time.Hour))
	kept := map[string]string{"alpn.example.com": t.TempDir(), "http.example.com": t.TempDir()}
	for _, c := range []struct {
		way, name string
		port      int
		redirect  string
		ended     bool
	}{
		{"tls-alpn-01", "alpn.example.com", authority.TLSPort, "", false},
		{"http-01", "http.example.com", elsewhere, fmt.Sprintf(", redirect_from: '127.0.0.1:%d'", authority.HTTPPort), false},
		{"afterwards", "alpn.example.com", authority.TLSPort, "", true},
	} {
		if c.ended {
			authority.Stop()
		}
		metrics := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
		listen := fmt.Sprintf("127.0.0.1:%d", c.port)
		d := start(t, options{args: []string{"--listen", listen}, config: fmt.Sprintf(
			"metrics_listen: %s\nstate_dir: %s\ntls: {acme: {domains: [%s], directory: '%s', ca: %s}, client_ca: %s, client_auth: require%s}\n"+noCameras, metrics, kept[c.name], c.name, authority.Directory, authority.CA, clients.File, c.redirect)})
		ask := func() commandResult {
			return run(t, curl, "-sS", "--cacert", root, "--cert", anna.File, "--key", anna.Key, "--resolve", fmt.Sprintf("%s:%d:127.0.0.1", c.name, c.port), fmt.Sprintf("https://%s:%d/healthz", c.name, c.port))
		}
		eventually(t, c.way, func() bool { return ask().stdout == "ok\n" })
		if o := camd(t, "healthcheck", "-c", d.config, "--listen", listen); o.code != 0 {
			t.Errorf("%s: healthcheck: %+v", c.way, o)
		}
		if _, _, text := get(t, "http://"+metrics+"/metrics"); !regexp.MustCompile(`(?m)^camd_tls_certificate_not_after_timestamp_seconds [1-9]`).Match(text) {
			t.Errorf("%s: the metrics have no end of the certificate", c.way)
		}
		if c.redirect != "" {
			o := run(t, curl, "-sS", "-w", "%{stderr}%{redirect_url}", "-H", "Host: "+c.name, fmt.Sprintf("http://127.0.0.1:%d/x", authority.HTTPPort))
			if want := fmt.Sprintf("https://%s:%d/x", c.name, c.port); o.stderr != want {
				t.Errorf("redirected to %q, want %q", o.stderr, want)
			}
		}
		if strings.Contains(d.stderr.String(), "certificate not renewed") {
			t.Errorf("%s:\n%s", c.way, d.stderr.String())
		}
		d.stop()
	}
}
