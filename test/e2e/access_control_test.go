package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"camd/internal/testpeer"
	"camd/internal/testrun"
	"camd/pkg/access"
)

// accessClient is a client of a camd with access control. authorize adds its credentials to a request.
type accessClient struct {
	t         *testing.T
	d         *daemon
	authorize func(*http.Request)
}

// status returns the answer's status, 0 if there is none.
func (a accessClient) status(path string) int {
	a.t.Helper()
	resp, err := a.get(path)
	if err != nil {
		a.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (a accessClient) get(path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.d.URL+path, nil)
	if err != nil {
		return nil, err
	}
	a.authorize(req)
	return http.DefaultTransport.RoundTrip(req) // RoundTrip follows no redirect
}

func (a accessClient) checkStatus(path string, code int) {
	a.t.Helper()
	if got := a.status(path); got != code {
		a.t.Errorf("%s: got %d, want %d", path, got, code)
	}
}

// getJSON reads a JSON answer.
func (a accessClient) getJSON(path string, to any) {
	a.t.Helper()
	resp, err := a.get(path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(to); err != nil {
		a.t.Fatalf("%s: %v", path, err)
	}
}

// Users of a file, tokens, sessions (also after a restart of camd) and links give access until they end.
func TestUsersTokensSessionsAndLinksGrantAccess(t *testing.T) {
	t.Parallel()
	dir, token := t.TempDir(), access.NewToken()
	user := func(name, more string) string {
		cmd := camdWithInput(t, name+" password", append([]string{"hash-password", name}, strings.Fields(more)...)...)
		return cmd.stdout
	}
	anna, guest := user("anna", "--role admin"), user("guest", "--cameras yard")
	users := write(t, dir, "users", anna+guest)
	write(t, dir, "token", token)
	address := fmt.Sprintf("127.0.0.1:%d", testpeer.FreePort(t))
	o := options{config: fmt.Sprintf(`
state_dir: %s/state
auth:
  users_file: %s
  tokens: {prometheus: {role: metrics, token_file: %s/token}}
cameras:
  - {id: yard, source: 'test://?size=64x64'}
  - {id: hall, source: 'test://?size=64x64'}
`, dir, users, dir), args: []string{"--listen", address}}
	d := start(t, o)
	as := func(set func(*http.Request)) accessClient { return accessClient{t, d, set} }
	nobody := func(*http.Request) {}
	basic := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, name+" password") }
	}
	scrape := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	const cameras, yard, hall = "/api/v1/cameras", "/api/v1/cameras/yard", "/api/v1/cameras/hall"

	as(nobody).checkStatus("/healthz", http.StatusOK)
	as(nobody).checkStatus(cameras, http.StatusUnauthorized)
	as(nobody).checkStatus(yard, http.StatusUnauthorized)
	as(nobody).checkStatus("/cameras/none", http.StatusUnauthorized)
	as(basic("anna")).checkStatus(hall, http.StatusOK)
	as(basic("anna")).checkStatus("/metrics", http.StatusOK)
	as(basic("guest")).checkStatus(yard, http.StatusOK)
	as(basic("guest")).checkStatus(hall, http.StatusNotFound)
	as(basic("guest")).checkStatus("/metrics", http.StatusForbidden)
	as(scrape).checkStatus("/metrics", http.StatusOK)
	as(scrape).checkStatus(cameras, http.StatusForbidden)

	session := logIn(t, d, "guest", "guest password")
	other := logIn(t, d, "anna", "anna password")
	made := camd(t, "share", "yard", "--for", "30m", "-c", d.config)
	link, err := url.Parse(strings.TrimSpace(made.stdout))
	if err != nil || made.code != 0 || !strings.Contains(made.stderr, "Valid until ") || !strings.HasPrefix(link.String(), "http://127.0.0.1:8080/cameras/yard?link=") {
		t.Fatalf("%+v", made)
	}
	shared := "?" + link.RawQuery
	if ids := camd(t, "__complete", "share", "-c", d.config, ""); !strings.Contains(ids.stdout, "yard\n") || !strings.Contains(ids.stdout, ":4") {
		t.Errorf("completion of cameras to share: %+v", ids)
	}

	// Another process has the same sessions, key and users.
	logOut(t, d, other)
	d.killAndWait()
	d = start(t, o)
	as(session).checkStatus(yard, http.StatusOK)
	as(session).checkStatus(hall, http.StatusNotFound)
	as(other).checkStatus(yard, http.StatusUnauthorized)
	as(nobody).checkStatus(yard+shared, http.StatusOK)
	as(nobody).checkStatus(hall+shared, http.StatusNotFound)
	stream, err := as(nobody).get("/cameras/yard/stream.mjpg" + shared)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.StatusCode != http.StatusOK {
		t.Errorf("stream: %s", stream.Status)
	}

	read := func() {
		t.Helper()
		count := func() string {
			resp, err := as(scrape).get("/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "camd_config_reloads_total") {
					lines = append(lines, line)
				}
			}
			return strings.Join(lines, "")
		}
		before := count()
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the configuration to be read", func() bool { return count() != before })
	}
	rewrite := func(text string) {
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		read()
	}
	rewrite(anna + "guest:hunter2secret\n")
	eventually(t, "the mistake in the log", func() bool { // which camd writes after it has counted the reload
		return strings.Contains(d.stderr.String(), users+":2:7: must be an argon2id or bcrypt hash")
	})
	if log := d.stderr.String(); strings.Contains(log, "hunter2secret") {
		t.Errorf("the log has the password: %s", tail(log, 1000))
	}
	as(session).checkStatus(yard, http.StatusOK)
	rewrite(anna)
	as(session).checkStatus(yard, http.StatusUnauthorized)
	as(basic("guest")).checkStatus(yard, http.StatusUnauthorized)
	as(basic("anna")).checkStatus(yard, http.StatusOK)

	if o := camd(t, "rotate-links", "-c", d.config); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	as(nobody).checkStatus(yard+shared, http.StatusOK)
	read()
	as(nobody).checkStatus(yard+shared, http.StatusUnauthorized)
	_, _ = io.Copy(io.Discard, stream.Body) // the stream ends

	eventually(t, "the audit log to have the revoked links", func() bool { return countAuditRecords(t, d.stderr.String(), "link.revoked signal") == 1 })
	for _, words := range []string{"config.refused signal", "config.reloaded signal auth.users_file", "view.begin link link 127.0.0.1 yard main http1"} {
		if countAuditRecords(t, d.stderr.String(), words) == 0 {
			t.Errorf("the audit log has no %q: %v", words, auditRecords(t, d.stderr.String()))
		}
	}

	for _, name := range []string{"sessions.json", "link.key"} {
		if info, err := os.Stat(filepath.Join(dir, "state", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	said := d.stdout.String() + d.stderr.String()
	for _, secret := range []string{token, "guest password", "anna password", link.Query().Get("link"), "$argon2id"} {
		if strings.Contains(said, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// camdWithInput runs a command of camd with text on its standard input.
func camdWithInput(t *testing.T, in string, args ...string) commandResult {
	t.Helper()
	cmd := exec.Command(testrun.Program(t, "camd"), args...)
	cmd.Stdin = strings.NewReader(in)
	return runCommand(t, cmd)
}

// logIn logs in and returns a function that adds the session cookie to a request.
func logIn(t *testing.T, d *daemon, name, password string) func(*http.Request) {
	t.Helper()
	resp := postForm(t, d, "/login", url.Values{"user": {name}, "password": {password}}, func(*http.Request) {})
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("login: %s", resp.Status)
	}
	cookie := resp.Cookies()[0]
	return func(r *http.Request) { r.AddCookie(cookie) }
}

// logOut ends the session that authorize adds to a request.
func logOut(t *testing.T, d *daemon, authorize func(*http.Request)) {
	t.Helper()
	if resp := postForm(t, d, "/logout", url.Values{}, authorize); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("logout: %s", resp.Status)
	}
}

func postForm(t *testing.T, d *daemon, path string, form url.Values, set func(*http.Request)) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, d.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	set(req)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}
