package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The credentials that camd accepts.
const (
	loginPassword = "canary-login-password"
	loginToken    = "camd_canary-driver-canary-driver-canary-driver"
)

// credential is a client with credentials, which addTo adds to each request.
type credential struct {
	name     string
	addTo    func(*http.Request)
	replaced string // a secret that pages for this client must contain
}

// accessRecords are the records that the log has about accepted and refused credentials.
var accessRecords = []string{
	`"login.ok"`, `"login.failed"`, `"logout"`, `"link.created"`, `"link.refused"`, `"link.revoked"`, `"access.refused"`,
	`"via":"session"`, `"via":"token"`, `"via":"password"`, `"via":"link"`,
}

// tryCredentials removes anonymous access, uses every kind of valid credential, and tries invalid ones. It returns the secrets that were
// created for it.
func (e observedOutput) tryCredentials(t *testing.T, d *daemon, p canaryConfig) []string {
	t.Helper()
	var paths []string
	for _, path := range allPaths(t, d) {
		if path != "/logout" { // it would end the session
			paths = append(paths, path)
		}
	}
	d.restrictAccess(strings.Replace(p.text, "  anonymous: admin\n", "", 1))
	cookie := d.sessionCookie(t)
	link := d.createLinkSignature(t)
	valid := []credential{
		{"by session ", func(r *http.Request) { r.AddCookie(cookie) }, ""},
		{"by password ", func(r *http.Request) { r.SetBasicAuth("carla", loginPassword) }, ""},
		{"by token ", withToken(loginToken), ""},
		{"by link ", withLink(link), link},
	}
	for _, client := range valid {
		e.requestPaths(t, d, client, paths, []string{"GET", "PATCH"}, []string{"good", "nowhere"})
	}
	for _, client := range []credential{
		{"wrong session ", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: "canary"}) }, ""},
		{"wrong password ", func(r *http.Request) { r.SetBasicAuth("carla", "canary") }, ""},
		{"unknown user's password ", func(r *http.Request) { r.SetBasicAuth("canary-as-a-name", "canary") }, ""},
		{"wrong token ", withToken("camd_canary-wrong"), ""},
		{"wrong link ", withLink(link[:len(link)-8] + "canarycc"), ""},
		{"no link ", func(r *http.Request) { withLink("canary")(r); r.Header.Set("Accept", "text/html") }, ""},
	} {
		e.requestPaths(t, d, client, []string{"/", "/nowhere", "/metrics", "/cameras/{camera}/", "/api/v1/cameras/{camera}"}, []string{"GET", "POST"}, []string{"good", "nowhere"})
	}
	e["logout"] = requestBeginning(t, "POST", d.URL+"/logout", valid[0].addTo)
	return append(e.runSecretCommands(t, d, p, valid[3]), link[strings.LastIndex(link, ".")+1:], cookie.Value,
		base64.StdEncoding.EncodeToString([]byte("carla:"+loginPassword)))
}

func withToken(text string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }
}

// withLink puts a link's signature into the query.
func withLink(link string) func(*http.Request) {
	return func(r *http.Request) {
		query := r.URL.Query()
		query.Set("link", link)
		r.URL.RawQuery = query.Encode()
	}
}

// restrictAccess reloads a configuration without anonymous access, and waits for the record in the log.
func (d *daemon) restrictAccess(config string) {
	d.t.Helper()
	before := strings.Count(d.stderr.String(), `"config.reloaded"`)
	if err := os.WriteFile(d.config, []byte(config), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "the configuration to be read", func() bool { return strings.Count(d.stderr.String(), `"config.reloaded"`) > before })
}

// sessionCookie returns the session's cookie.
func (d *daemon) sessionCookie(t *testing.T) *http.Cookie {
	t.Helper()
	client := http.Client{Transport: streamClient.Transport, Timeout: testTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(d.URL+"/login", url.Values{"user": {"carla"}, "password": {loginPassword}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("login: %s %v", answer.Status, answer.Cookies())
	}
	return answer.Cookies()[0]
}

// createLinkSignature returns the signature of a link.
func (d *daemon) createLinkSignature(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, d.URL+"/api/v1/cameras/good/links", strings.NewReader(`{"for": "1h"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	withToken(loginToken)(r)
	answer, err := streamClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var made struct{ Page string }
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return linkSignature(t, made.Page)
}

// linkSignature returns the signature in a link.
func linkSignature(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || !strings.Contains(u.Query().Get("link"), ".") {
		t.Fatalf("%v in %q", err, link)
	}
	return u.Query().Get("link")
}

// runSecretCommands runs the commands that make secrets, and revokes all links. Only the intended output of a command has its secret. It
// returns the new secrets.
func (e observedOutput) runSecretCommands(t *testing.T, d *daemon, p canaryConfig, by credential) []string {
	t.Helper()
	config := write(t, p.dir, "makers.yaml", p.text)
	hashed := p.runCamd(t, loginPassword+"\n", "hash-password", "dora", "--role", "admin")
	fresh := p.runCamd(t, "", "new-token")
	shared := p.runCamd(t, "", "share", "good", "-c", config)
	rotated := p.runCamd(t, "", "rotate-links", "-c", config)
	for name, o := range map[string]commandResult{"hash-password": hashed, "new-token": fresh, "share": shared, "rotate-links": rotated} {
		if o.code != 0 {
			t.Fatalf("%s: %d %s", name, o.code, o.stderr)
		}
		e["camd "+name] = o.stderr
	}
	e["camd hash-password, stdout"], e["camd rotate-links, stdout"] = hashed.stdout, rotated.stdout
	key := filepath.Join(p.dir, "link.key")
	makeReadable(t, key)
	d.restrictAccess(p.text) // anonymous access again
	e["by a revoked link"] = requestBeginning(t, "GET", d.URL+"/cameras/good/", by.addTo)
	text := linkSignature(t, shared.stdout)
	return []string{strings.TrimSpace(fresh.stdout), text[strings.LastIndex(text, ".")+1:], strings.TrimSpace(string(readFile(t, key)))}
}
