package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"camd/internal/testpeer"
	"camd/pkg/access"
)

// wapitiKnown has findings of wapiti that are no faults, and the reason.
var wapitiKnown = map[string]string{
	"X-Frame-Options is not set":           "frame-ancestors of the Content-Security-Policy has the same effect",
	"X-XSS-Protection is not set":          "browsers no longer have the filter that it turns on",
	"Lack of anti CSRF token":              "camd checks Origin and Sec-Fetch-Site instead, and the cookie is SameSite",
	"Strict-Transport-Security is not set": "an option, only with TLS",
}

// wapitiModules are the modules that need no other machine.
const wapitiModules = "backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss"

// A vulnerability scanner finds nothing, neither without credentials nor as an administrator.
func TestScannerFindsNoVulnerability(t *testing.T) {
	if os.Getenv("CAMD_ABUSE") == "" {
		t.Skip("CAMD_ABUSE is not set")
	}
	tool := testpeer.RequireProgram(t, "wapiti", "wapiti")
	d := start(t, options{config: "auth: {users: {root: {role: admin, hash: '" + access.HashPassword("hunter2") + "'}}}\n" +
		"cameras:\n  - {id: a, source: 'test://?size=640x360&fps=30'}\n"})
	root := http.Header{"Authorization": {"Basic cm9vdDpodW50ZXIy"}}
	live := func() bool {
		return strings.Contains(fetch(t, http.MethodGet, d.URL+"/api/v1/cameras", "", root), `"state": "live"`)
	}
	eventually(t, "the camera to be live", live)
	for user, args := range map[string][]string{"a stranger": nil, "an admin": {"-a", "root%hunter2", "--auth-type", "basic"}} {
		t.Run(user, func(t *testing.T) {
			for _, f := range runWapiti(t, tool, d.URL, args) {
				if _, known := wapitiKnown[f.Info]; !known {
					t.Errorf("found: %+v", f)
				}
			}
		})
	}
	if !live() || strings.Contains(d.stderr.String(), "panic") {
		t.Errorf("the camera is not live, or camd panicked: %s", d.stderr.String())
	}
}

// wapitiFinding is a finding of wapiti.
type wapitiFinding struct{ Method, Path, Info, Parameter string }

// runWapiti scans all addresses that take a query or a form, for a minute at most.
func runWapiti(t *testing.T, tool, base string, args []string) (found []wapitiFinding) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	args = append(args, "-u", base+"/", "-m", wapitiModules, "--flush-session", "--no-bugreport", "--max-scan-time", "60", "--max-attack-time", "10",
		"-t", "4", "-v", "1", "-f", "json", "-o", report)
	for _, path := range []string{"/login?next=/", "/cameras/a/", "/cameras/a/snapshot.jpg?max_age=1&rendition=main", "/api/v1/cameras", "/api/v1/viewers?camera=a",
		"/api/v1/wall?cameras=a", "/?action=snapshot", "/snapshot?key=1", "/state", "/nowhere?x=1"} {
		args = append(args, "-s", base+path)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*testTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Env, cmd.WaitDelay = append(os.Environ(), "HOME="+t.TempDir()), time.Second
	o := runCommand(t, cmd)
	text, err := os.ReadFile(report)
	var all struct{ Vulnerabilities, Anomalies map[string][]wapitiFinding }
	if err != nil || json.Unmarshal(text, &all) != nil {
		t.Fatalf("%v\n%s%s", err, o.stdout, o.stderr)
	}
	for _, kind := range []map[string][]wapitiFinding{all.Vulnerabilities, all.Anomalies} {
		for _, flaws := range kind {
			found = append(found, flaws...)
		}
	}
	t.Logf("%d requests, %d findings", strings.Count(o.stdout, "[+] "), len(found))
	return found
}
