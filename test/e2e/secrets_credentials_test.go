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

// What the bearers show that let them in.
const (
	loginPassword = "canary-login-password"
	loginToken    = "camd_canary-driver-canary-driver-canary-driver"
)

// credential is somebody who shows with each request what is to let them in.
type credential struct {
	name     string
	addTo    func(*http.Request)
	replaced string // what the pages that they are answered with have to show again
}

// accessRecords are in the log when the bearers were let in or not.
var accessRecords = []string{
	`"login.ok"`, `"login.failed"`, `"logout"`, `"link.created"`, `"link.refused"`, `"link.revoked"`, `"access.refused"`,
	`"via":"session"`, `"via":"token"`, `"via":"password"`, `"via":"link"`,
}

// tryCredentials has nobody let in without showing something, lets people and programs in by all that there is, and others try what is
// wrong. It returns what they have shown, as far as it was not known before.
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
	in := []credential{
		{"by session ", func(r *http.Request) { r.AddCookie(cookie) }, ""},
		{"by password ", func(r *http.Request) { r.SetBasicAuth("carla", loginPassword) }, ""},
		{"by token ", withToken(loginToken), ""},
		{"by link ", withLink(link), link},
	}
	for _, who := range in {
		e.requestPaths(t, d, who, paths, []string{"GET", "PATCH"}, []string{"good", "nowhere"})
	}
	for _, who := range []credential{
		{"wrong session ", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: "canary"}) }, ""},
		{"wrong password ", func(r *http.Request) { r.SetBasicAuth("carla", "canary") }, ""},
		{"nobody's password ", func(r *http.Request) { r.SetBasicAuth("canary-as-a-name", "canary") }, ""},
		{"wrong token ", withToken("camd_canary-wrong"), ""},
		{"wrong link ", withLink(link[:len(link)-8] + "canarycc"), ""},
		{"no link ", func(r *http.Request) { withLink("canary")(r); r.Header.Set("Accept", "text/html") }, ""},
	} {
		e.requestPaths(t, d, who, []string{"/", "/nowhere", "/metrics", "/cameras/{camera}/", "/api/v1/cameras/{camera}"}, []string{"GET", "POST"}, []string{"good", "nowhere"})
	}
	e["logout"] = requestBeginning(t, "POST", d.URL+"/logout", in[0].addTo)
	return append(e.runSecretCommands(t, d, p, in[3]), link[strings.LastIndex(link, ".")+1:], cookie.Value,
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

// restrictAccess has the daemon take a configuration by which nobody may ask whether it has.
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
	asks := http.Client{Transport: streamClient.Transport, Timeout: testTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := asks.PostForm(d.URL+"/login", url.Values{"user": {"carla"}, "password": {loginPassword}})
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

// linkSignature is what lets the holder of a link in.
func linkSignature(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || !strings.Contains(u.Query().Get("link"), ".") {
		t.Fatalf("%v in %q", err, link)
	}
	return u.Query().Get("link")
}

// runSecretCommands runs the commands that make secrets, which are in nothing but what they are asked for, and takes back all links. It returns
// what was made.
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
	e["camd hash-password, what was asked for"], e["camd rotate-links, what it says"] = hashed.stdout, rotated.stdout
	key := filepath.Join(p.dir, "link.key")
	makeReadable(t, key)
	d.restrictAccess(p.text) // full access for everyone again
	e["by a link that was taken back"] = requestBeginning(t, "GET", d.URL+"/cameras/good/", by.addTo)
	text := linkSignature(t, shared.stdout)
	return []string{strings.TrimSpace(fresh.stdout), text[strings.LastIndex(text, ".")+1:], strings.TrimSpace(string(readFile(t, key)))}
}
