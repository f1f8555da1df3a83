package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"camd/pkg/access"
	"camd/pkg/httpapi/viewers"
)

func TestLoginStartsAndLogoutEndsSession(t *testing.T) {
	s, yard, _ := startWithAuth(t, authOptions(t))
	resp := s.logIn(t, "anna", "hunter2", "/cameras/yard?x=1")
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/cameras/yard?x=1" || len(cookies) != 1 {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %s", resp.Header["Set-Cookie"])
	}
	mine := []string{"Cookie", c.Name + "=" + c.Value}
	me := body(t, s.get(t, "/api/v1/me", mine...))
	for _, want := range []string{`"name": "anna"`, `"kind": "session"`, `"role": "control"`, `"links": true`} {
		if !strings.Contains(me, want) {
			t.Errorf("no %s in %s", want, me)
		}
	}
	_, stream := s.watch(t, "/cameras/yard/stream.mjpg?link="+s.linkTo(t, "yard"))
	nextPicture(t, stream)
	watched := s.get(t, "/cameras/yard/stream.mjpg", mine...)
	eventually(t, "both watch", func() bool { return s.Viewers() == 2 })

	resp = s.send(t, http.MethodPost, "/logout", "", mine...)
	if out := resp.Cookies(); resp.StatusCode != http.StatusSeeOther || len(out) != 1 || out[0].Name != c.Name || out[0].MaxAge >= 0 || out[0].Value != "" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	eventually(t, "what the session watched ends", func() bool {
		yard.publish(3)
		return s.Viewers() == 1 && s.viewers.Stats().Cut[[2]string{"yard", viewers.CutAccess}] == 1
	})
	_, _ = watched.Body.Read(make([]byte, 1<<20))
	if resp := s.get(t, "/api/v1/me", mine...); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the cookie again: %s", resp.Status)
	}
}

// A login over TLS gets a cookie that browsers send over TLS only.
func TestCookieOverTLSIsSecure(t *testing.T) {
	o := Options{Config: Config{Auth: access.New(authOptions(t))}}
	s, _ := startTLS(t, o, true, newTestCamera("yard"))
	req, err := http.NewRequest(http.MethodPost, s.url+"/login", strings.NewReader("user=anna&password=hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if c := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-camd") || !strings.Contains(c, "; Secure") || !strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "; SameSite=Lax") {
		t.Errorf("%s: %s", resp.Status, c)
	}
}

func TestWrongLoginsAreRefused(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	wrong := body(t, s.logIn(t, "anna", "hunter3", "/"))
	unknown := body(t, s.logIn(t, "otto", "hunter2", "/"))
	if strings.ReplaceAll(wrong, "anna", "otto") != unknown || !strings.Contains(wrong, "The user name or the password is wrong.") || strings.Contains(wrong, "hunter") {
		t.Errorf("the answers show which users exist: %s\n%s", wrong, unknown)
	}
	if text := body(t, s.logIn(t, `"><script>alert(1)</script>`, "x", `"><b>`)); strings.Contains(text, "<script>alert") || strings.Contains(text, "<b>") {
		t.Errorf("the page repeats bytes that are not text: %s", text)
	}
	for n := 0; ; n++ {
		resp := s.logIn(t, "anna", fmt.Sprint("wrong", n), "/")
		if resp.StatusCode == http.StatusUnauthorized && n < 100 {
			continue
		}
		if text := body(t, resp); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(text, "Too many attempts. Try again in "+resp.Header.Get("Retry-After")+" s.") {
			t.Errorf("after too many attempts: %s %v", resp.Status, resp.Header)
		}
		break
	}
	for path, foreign := range map[string][]string{"/login": {"Origin", "http://evil.example"}, "/logout": {"Sec-Fetch-Site", "cross-site"}} {
		resp := s.send(t, http.MethodPost, path, "user=anna&password=hunter2", append(foreign, "Content-Type", "application/x-www-form-urlencoded")...)
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s from another site: %s", path, resp.Status)
		}
	}
}

// After the login, a browser stays on this server, whatever the link to the login page says.
func TestLoginRedirectsOnlyToLocalPaths(t *testing.T) {
	for next, want := range map[string]string{
		"": "/", "/": "/", "/cameras/a": "/cameras/a", "/?cameras=a,b#x": "/?cameras=a,b", "/a%2f..": "/a%2f..",
		"//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "http://evil.example/": "/", "https:evil.example": "/",
		"javascript:alert(1)": "/", "evil.example": "/", "/\tevil": "/", "/ //evil": "/", "/\r\nX: y": "/", "/login": "/", "/logout": "/", "/login?next=/login": "/",
		"http:///evil.example": "/", "//user@evil.example": "/", "/%": "/", "/.//evil.example": "/.//evil.example",
		"/%2fevil.example/<": "/", `/%2f%2Fevil.example"`: "/", "/%2fevil.example/": "/%2fevil.example/",
		"/%2fevil.example/\xd7": "/", "/\xd7": "/%D7",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q: got %q, want %q", next, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, next := range []string{"/", "//a", `/\a`, "/%2f/a", "/a?b#c", "http://a/b", "/./b", "/%5ca", "/%2fa/<"} {
		f.Add(next)
	}
	base := &url.URL{Scheme: "http", Host: "camd.example", Path: "/login"}
	f.Fuzz(func(t *testing.T, next string) {
		got := localPath(next)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") || localPath(got) != got {
			t.Errorf("%q leads to %q: %v, %v", next, got, u, err)
		}
	})
}

func TestLoginPageHasFormAndPolicy(t *testing.T) {
	s, _, _ := startWithAuth(t, authOptions(t))
	resp := s.get(t, "/login?next=/cameras/yard")
	text := body(t, resp)
	for _, want := range []string{`<form method="post" action="/login">`, `name="next" value="/cameras/yard"`, `autocomplete="current-password"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if got := resp.Header.Get("Referrer-Policy"); got != "same-origin" || strings.Contains(text, "expired") {
		t.Errorf("Referrer-Policy %s, %s", got, text)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'self'") {
		t.Errorf("policy %s", policy)
	}
	for text, want := range map[string]int{strings.Repeat("x", maxForm+1): http.StatusRequestEntityTooLarge, "user=%zz": http.StatusBadRequest} {
		if resp := s.send(t, http.MethodPost, "/login", text, "Content-Type", "application/x-www-form-urlencoded"); resp.StatusCode != want {
			t.Errorf("%.20s: %s, want %d", text, resp.Status, want)
		}
	}
}
