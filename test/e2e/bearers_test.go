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
	shownPassword = "canary-login-password"
	shownToken    = "camd_canary-driver-canary-driver-canary-driver"
)

// bearer is somebody who shows with each request what is to let them in.
type bearer struct {
	name string
	show func(*http.Request)
	own  string // what the pages that they are answered with have to show again
}

// borne are in the log when the bearers were let in or not.
var borne = []string{
	`"login.ok"`, `"login.failed"`, `"logout"`, `"link.created"`, `"link.refused"`, `"link.revoked"`, `"access.refused"`,
	`"via":"session"`, `"via":"token"`, `"via":"password"`, `"via":"link"`,
}

// bearers has nobody let in without showing something, lets people and programs in by all that there is, and others try what is
// wrong. It returns what they have shown, as far as it was not known before.
func (e evidence) bearers(t *testing.T, d *daemon, p planted) []string {
	t.Helper()
	var paths []string
	for _, path := range everyAddress(t, d) {
		if path != "/logout" { // it would end the session
			paths = append(paths, path)
		}
	}
	d.gated(strings.Replace(p.text, "  anonymous: admin\n", "", 1))
	cookie := d.logsIn(t)
	link := d.shares(t)
	in := []bearer{
		{"by session ", func(r *http.Request) { r.AddCookie(cookie) }, ""},
		{"by password ", func(r *http.Request) { r.SetBasicAuth("carla", shownPassword) }, ""},
		{"by token ", token(shownToken), ""},
		{"by link ", shows(link), link},
	}
	for _, who := range in {
		e.routes(t, d, who, paths, []string{"GET", "PATCH"}, []string{"good", "nowhere"})
	}
	for _, who := range []bearer{
		{"wrong session ", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: "canary"}) }, ""},
		{"wrong password ", func(r *http.Request) { r.SetBasicAuth("carla", "canary") }, ""},
		{"nobody's password ", func(r *http.Request) { r.SetBasicAuth("canary-as-a-name", "canary") }, ""},
		{"wrong token ", token("camd_canary-wrong"), ""},
		{"wrong link ", shows(link[:len(link)-8] + "canarycc"), ""},
		{"no link ", func(r *http.Request) { shows("canary")(r); r.Header.Set("Accept", "text/html") }, ""},
	} {
		e.routes(t, d, who, []string{"/", "/nowhere", "/metrics", "/cameras/{camera}/", "/api/v1/cameras/{camera}"}, []string{"GET", "POST"}, []string{"good", "nowhere"})
	}
	e["logout"] = begun(t, "POST", d.URL+"/logout", in[0].show)
	return append(e.makers(t, d, p, in[3]), link[strings.LastIndex(link, ".")+1:], cookie.Value,
		base64.StdEncoding.EncodeToString([]byte("carla:"+shownPassword)))
}

func token(text string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+text) }
}

// shows puts a link's signature into the query.
func shows(link string) func(*http.Request) {
	return func(r *http.Request) {
		query := r.URL.Query()
		query.Set("link", link)
		r.URL.RawQuery = query.Encode()
	}
}

// gated has the daemon take a configuration by which nobody may ask whether it has.
func (d *daemon) gated(config string) {
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

// logsIn returns the session's cookie.
func (d *daemon) logsIn(t *testing.T) *http.Cookie {
	t.Helper()
	asks := http.Client{Transport: streamer.Transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := asks.PostForm(d.URL+"/login", url.Values{"user": {"carla"}, "password": {shownPassword}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("login: %s %v", answer.Status, answer.Cookies())
	}
	return answer.Cookies()[0]
}

// shares returns the signature of a link.
func (d *daemon) shares(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, d.URL+"/api/v1/cameras/good/links", strings.NewReader(`{"for": "1h"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	token(shownToken)(r)
	answer, err := streamer.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var made struct{ Page string }
	if err := json.NewDecoder(answer.Body).Decode(&made); err != nil {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return signature(t, made.Page)
}

// signature is what lets the holder of a link in.
func signature(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || !strings.Contains(u.Query().Get("link"), ".") {
		t.Fatalf("%v in %q", err, link)
	}
	return u.Query().Get("link")
}

// makers runs the commands that make secrets, which are in nothing but what they are asked for, and takes back all links. It returns
// what was made.
func (e evidence) makers(t *testing.T, d *daemon, p planted, by bearer) []string {
	t.Helper()
	config := write(t, p.dir, "makers.yaml", p.text)
	hashed := p.camd(t, shownPassword+"\n", "hash-password", "dora", "--role", "admin")
	fresh := p.camd(t, "", "new-token")
	shared := p.camd(t, "", "share", "good", "-c", config)
	rotated := p.camd(t, "", "rotate-links", "-c", config)
	for name, o := range map[string]outcome{"hash-password": hashed, "new-token": fresh, "share": shared, "rotate-links": rotated} {
		if o.code != 0 {
			t.Fatalf("%s: %d %s", name, o.code, o.stderr)
		}
		e["camd "+name] = o.stderr
	}
	e["camd hash-password, what was asked for"], e["camd rotate-links, what it says"] = hashed.stdout, rotated.stdout
	key := filepath.Join(p.dir, "link.key")
	readable(t, key)
	d.gated(p.text) // everybody may everything again
	e["by a link that was taken back"] = begun(t, "GET", d.URL+"/cameras/good/", by.show)
	text := signature(t, shared.stdout)
	return []string{strings.TrimSpace(fresh.stdout), text[strings.LastIndex(text, ".")+1:], strings.TrimSpace(string(read(t, key)))}
}
