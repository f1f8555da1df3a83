package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"camd/internal/testpeer"
)

// Third-party test tools run against camd while a viewer watches. The long ones run only with CAMD_ABUSE, as in make test-abuse.
func TestThirdPartyToolsDisturbNoViewer(t *testing.T) {
	t.Parallel()
	i := testpeer.Certificate{}.Make(t)
	d := startAbuseTarget(t, "tls: {certificate: "+i.File+", key: "+i.Key+"}\n")
	w := d.startStreamChecker("a")
	before := d.resourceUsage()
	t.Run("h2load", func(t *testing.T) { d.runH2load(t) })
	t.Run("sslscan", func(t *testing.T) { d.runSSLScan(t) })
	if os.Getenv("CAMD_ABUSE") != "" {
		t.Run("h2spec", func(t *testing.T) { d.runH2spec(t) })
		t.Run("testssl.sh", func(t *testing.T) { d.runTestSSL(t) })
	}
	w.checkUndisturbed()
	d.checkReleased(before)
}

// runH2load makes many requests at once over HTTP/2.
func (d *daemon) runH2load(t *testing.T) {
	o := run(t, testpeer.RequireProgram(t, "h2load", "nghttp2-client"), "-n", "4000", "-c", "20", "-m", "50", d.URL+"/healthz",
		d.URL+"/cameras/a/snapshot.jpg?max_age=1h") // on a busy machine the newest picture may be older than a snapshot may be
	if o.code != 0 || !strings.Contains(o.stdout, "4000 succeeded, 0 failed, 0 errored, 0 timeout") {
		t.Errorf("%d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// runSSLScan checks for old versions of TLS and weak ciphers.
func (d *daemon) runSSLScan(t *testing.T) {
	o := run(t, testpeer.RequireProgram(t, "sslscan", "sslscan"), "--no-colour", d.address())
	for _, want := range []string{
		`SSLv2 +disabled`, `SSLv3 +disabled`, `TLSv1.0 +disabled`, `TLSv1.1 +disabled`, `TLSv1.2 +enabled`, `TLSv1.3 +enabled`,
		`TLS Compression:\s+(OpenSSL version does not support compression|Compression disabled)`, `Secure session renegotiation|renegotiation not supported`,
	} {
		if !regexp.MustCompile(want).MatchString(o.stdout) {
			t.Errorf("not found: %s", want)
		}
	}
	if bad := regexp.MustCompile(`(?m)^.*(vulnerable to heartbleed|RC4|3DES|NULL|EXP|anon|MD5).*$`).FindAllString(o.stdout, -1); len(bad) > 0 {
		for _, line := range bad {
			if !strings.Contains(line, "not vulnerable") {
				t.Errorf("found: %s", line)
			}
		}
	}
	if t.Failed() {
		t.Log(o.stdout)
	}
}

// h2specModule checks HTTP/2 against the standard.
const h2specModule = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// h2specKnown has findings of h2spec that are no faults, and the reason.
var h2specKnown = map[string]string{
	"× 1: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                        "net/http refuses a setting that comes twice, and closes",
	"× 1: Sends a HEADERS frame that contains the connection-specific header field":                     "net/http refuses it with 400 instead of resetting the stream",
	`× 2: Sends a HEADERS frame that contains the TE header field with any value other than "trailers"`: "the same",
	// These appear in some runs.
	`× 1: Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length`:                      "the answer needs no body, and was sent before it",
	`× 2: Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length`: "the same",
}

func (d *daemon) runH2spec(t *testing.T) {
	host, port, _ := strings.Cut(d.address(), ":")
	report := filepath.Join(t.TempDir(), "report.xml")
	o := run(t, testpeer.RequireProgram(t, "go", "golang"), "run", h2specModule, "-h", host, "-p", port, "-t", "-k", "-P", "/healthz", "-j", report)
	summary := regexp.MustCompile(`(?m)^\d+ tests, .*$`).FindString(o.stdout)
	if summary == "" {
		t.Fatalf("%d\n%s%s", o.code, o.stdout, o.stderr)
	}
	t.Log(summary)
	for _, line := range regexp.MustCompile(`(?m)^ *× .*$`).FindAllString(o.stdout, -1) {
		line = line[strings.LastIndex(line, "×"):] // text that a terminal would overwrite comes first
		if _, known := h2specKnown[line]; !known {
			t.Errorf("found: %s", line)
		}
	}
	if t.Failed() {
		t.Log(o.stdout)
	}
}

// testsslKnown has findings of testssl.sh that are no faults, and the reason.
var testsslKnown = map[string]string{
	"cert_chain_of_trust":   "the certificate of the test is self-signed",
	"cert_expirationStatus": "the certificate of the test is valid for a day",
	"cert_notAfter":         "the same",
	"cert_revocation":       "a self-signed certificate cannot be revoked",
	"cipherlist_AVERAGE":    "TLS 1.2 with ECDHE and CBC: for clients without AEAD, last in Go's order, and constant in time",
	"LUCKY13":               "the same",
	"HSTS":                  "an option",
	"TLS_session_ticket":    "Go makes new keys every day, and accepts those of the last seven days",
}

func (d *daemon) runTestSSL(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	ctx, cancel := context.WithTimeout(context.Background(), 5*testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, testpeer.RequireProgram(t, "testssl", "testssl.sh"), "--quiet", "--color", "0", "--severity", "LOW", "--jsonfile", report, "--nodns", "none",
		"--connect-timeout", "5", "--openssl-timeout", "5", "--fast", "--protocols", "--server-defaults", "--server-preference", "--std", "--vulnerable", "--headers", d.address())
	// It is a script. Its process group is killed, or the test would wait for the programs that it started.
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, time.Second
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	o := runCommand(t, cmd)
	if ctx.Err() != nil {
		t.Fatalf("testssl.sh did not end in time\n%s%s", o.stdout, o.stderr)
	}
	text, err := os.ReadFile(report)
	var found []struct{ ID, Severity, Finding string }
	if err != nil || json.Unmarshal(text, &found) != nil {
		t.Fatalf("%v\n%s%s%s", err, text, o.stdout, o.stderr)
	}
	for _, f := range found {
		if _, known := testsslKnown[f.ID]; !known && slices.Contains([]string{"LOW", "MEDIUM", "HIGH", "CRITICAL"}, f.Severity) {
			t.Errorf("found: %+v", f)
		}
	}
}

// slowModes are the modes of slowhttptest: slow headers, bodies, ranges and reading.
var slowModes = map[string][]string{
	"headers": {"-H", "-i", "1"}, "bodies": {"-B", "-i", "1", "-s", "8192", "-t", "PATCH"}, "ranges": {"-R", "-a", "10", "-b", "3000"},
	"reading": {"-X", "-w", "1", "-y", "10", "-n", "1", "-z", "5", "-k", "3"},
}

func TestSlowRequestsDisturbNoViewer(t *testing.T) {
	if os.Getenv("CAMD_ABUSE") == "" {
		t.Skip("CAMD_ABUSE is not set")
	}
	tool := testpeer.RequireProgram(t, "slowhttptest", "slowhttptest")
	d := startAbuseTarget(t, "")
	w := d.startStreamChecker("a")
	before := d.resourceUsage()
	for name, args := range slowModes {
		t.Run(name, func(t *testing.T) {
			o := run(t, tool, append(args, "-c", "1500", "-r", "500", "-l", "15", "-p", "3", "-u", d.URL+"/cameras/a/snapshot.jpg")...)
			last := o.stdout[max(0, strings.LastIndex(o.stdout, "slow HTTP test status")):]
			t.Logf("%d: %s", o.code, regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(last, ""))
			if strings.Contains(o.stdout, "service available:   NO") {
				t.Error("slowhttptest could not reach camd")
			}
			w.checkUndisturbed()
		})
	}
	d.checkReleased(before)
}
