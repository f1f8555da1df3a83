package access

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logIn logs in and returns a request with the cookie.
func logIn(t *testing.T, g *Authenticator, user string) (*http.Request, Grant) {
	t.Helper()
	c, grant, err := g.Login(request(), user, "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	return request(withCookie(c)), grant
}

// expectRefused expects that a request gets no grant, and that an earlier grant is void.
func expectRefused(t *testing.T, g *Authenticator, r *http.Request, was Grant) {
	t.Helper()
	if got, err := g.Identify(r); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("got %q, %v, want %v", got.Identity, err, ErrNoCredentials)
	}
	if got, ok := g.Revalidate(was); ok {
		t.Errorf("renewed: %+v", got)
	}
}

func expectAccepted(t *testing.T, g *Authenticator, r *http.Request, was Grant) {
	t.Helper()
	got, err := g.Identify(r)
	if err != nil || got.Identity != was.Identity || !got.ExpiresAt.Equal(was.ExpiresAt) {
		t.Errorf("got %q until %v, %v, want %q until %v", got.Identity, got.ExpiresAt, err, was.Identity, was.ExpiresAt)
	}
	if _, ok := g.Revalidate(was); !ok {
		t.Error("not renewed")
	}
}

func TestSessionCookieAttributes(t *testing.T) {
	o := testOptions(NewToken())
	g := New(o)
	proxied := func(r *http.Request) {
		r.RemoteAddr, r.Host = "10.0.0.1:1", "cams.example.com"
		r.Header.Set("X-Forwarded-Proto", "https")
	}
	encrypted := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	for _, c := range []struct {
		name, cookie string
		set          func(*http.Request)
		secure       bool
	}{
		{"plain", "camd-8080", func(*http.Request) {}, false},
		{"TLS", "__Host-camd-8080", encrypted, true},
		{"proxy with TLS", "__Host-camd", proxied, true},
		{"stranger who says so", "camd-8080", withHeader("X-Forwarded-Proto", "https"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := g.Login(request(c.set), "anna", "hunter2")
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != c.cookie || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || len(got.Value) != 43 {
				t.Errorf("got %+v", got)
			}
			if err := got.Valid(); err != nil {
				t.Error(err)
			}
			if _, err := g.Identify(request(c.set, withCookie(got))); err != nil {
				t.Error(err)
			}
			gone := g.Logout(request(c.set, withCookie(got)))
			if gone.Name != got.Name || gone.MaxAge >= 0 || gone.Value != "" || gone.Secure != c.secure {
				t.Errorf("logout: got %+v", gone)
			}
			if _, err := g.Identify(request(c.set, withCookie(got))); !errors.Is(err, ErrNoCredentials) {
				t.Errorf("replayed: got %v, want %v", err, ErrNoCredentials)
			}
		})
	}
}

func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(NewToken())
		o.Sessions, _ = OpenSessions(SessionOptions{IdleTimeout: time.Hour, MaxAge: 3 * time.Hour, MaxSessions: 3})
		g := New(o)
		idle, idles := logIn(t, g, "anna")
		busy, busies := logIn(t, g, "guest")
		for range 4 {
			time.Sleep(40 * time.Minute)
			expectAccepted(t, g, busy, busies)
		}
		expectRefused(t, g, idle, idles)
		time.Sleep(21 * time.Minute)
		expectRefused(t, g, busy, busies)

		first, firsts := logIn(t, g, "anna")
		time.Sleep(time.Second)
		second, seconds := logIn(t, g, "anna")
		time.Sleep(time.Second)
		logIn(t, g, "anna")
		time.Sleep(time.Second)
		expectAccepted(t, g, first, firsts)
		logIn(t, g, "anna") // beyond the limit: the session that was used longest ago ends
		expectAccepted(t, g, first, firsts)
		expectRefused(t, g, second, seconds)
	})
}

func TestLoginEndsPreviousSession(t *testing.T) {
	g := New(testOptions(NewToken()))
	before, was := logIn(t, g, "anna")
	if _, _, err := g.Login(before, "guest", "hunter2"); err != nil {
		t.Fatal(err)
	}
	expectRefused(t, g, before, was)
}

// A user with many logins ends only their own sessions.
func TestSessionLimitEvictsBusiestUser(t *testing.T) {
	s, err := OpenSessions(SessionOptions{MaxSessions: 4})
	if err != nil {
		t.Fatal(err)
	}
	hers, _ := s.create("anna", [32]byte{})
	var his []string
	for range 9 {
		id, _ := s.create("guest", [32]byte{})
		his = append(his, id)
	}
	_, ok := s.touchByID(hers)
	_, last := s.touchByID(his[8])
	_, first := s.touchByID(his[0])
	if !ok || !last || first || len(s.all) != 4 {
		t.Errorf("other user's %v, last %v, first %v, of %d", ok, last, first, len(s.all))
	}
}

func TestReloadEndsStaleSessions(t *testing.T) {
	o := testOptions(NewToken())
	g := New(o)
	anna, annas := logIn(t, g, "anna")
	guest, guests := logIn(t, g, "guest")
	o.Sessions = g.options.Sessions

	o.Users = []User{{"anna", cheapHash(), Permission{Role: View}}, {"guest", hashWith("hunter22", 64), Permission{Role: View}}}
	next := New(o)
	expectRefused(t, next, guest, guests) // also before EndStaleSessions
	next.EndStaleSessions()
	if got, err := next.Identify(anna); err != nil || got.HasRole(Control) {
		t.Errorf("got %+v, %v, want anna with another role", got, err)
	}
	if got, ok := next.Revalidate(annas); !ok || got.HasRole(Control) || !got.CanSee("yard") {
		t.Errorf("renewed: %+v, %v", got, ok)
	}
	expectRefused(t, next, guest, guests)

	// The old password is back, but its ended sessions stay ended.
	o.Users[1].Hash = cheapHash()
	back := New(o)
	back.EndStaleSessions()
	expectRefused(t, back, guest, guests)
	expectAccepted(t, back, anna, annas)
}

func TestSessionsSurviveRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), SessionsFile)
	opened := func() *Authenticator {
		o := testOptions(NewToken())
		var err error
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path, OnError: func(err error) { t.Error(err) }}); err != nil {
			t.Fatal(err)
		}
		return New(o)
	}
	g := opened()
	stays, was := logIn(t, g, "anna")
	leaves, left := logIn(t, g, "guest")
	g.Logout(leaves)

	later := opened()
	expectAccepted(t, later, stays, was)
	expectRefused(t, later, leaves, left)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := stays.Cookie("camd-8080")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if strings.Contains(string(text), c.Value) || strings.Contains(string(text), cheapHash().text) {
		t.Errorf("the file contains usable session ids: %s", text)
	}
}

func TestDamagedSessionsFileIsReplaced(t *testing.T) {
	for _, text := range []string{"", "{", `[{"sum":"00","print":"00"}]`, "[" + strings.Repeat(" ", maxSessionsFile) + "]"} {
		path := filepath.Join(t.TempDir(), SessionsFile)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		o := testOptions(NewToken())
		var err error
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path}); err == nil {
			t.Errorf("%.20q: no error", text)
		}
		r, was := logIn(t, New(o), "anna")
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path}); err != nil {
			t.Errorf("%.20q: not written again: %v", text, err)
		}
		expectAccepted(t, New(o), r, was)
	}
}

func TestSessionsReportSaveError(t *testing.T) {
	var reported error
	o := testOptions(NewToken())
	o.Sessions, _ = OpenSessions(SessionOptions{Path: "/dev/null/" + SessionsFile, OnError: func(err error) { reported = err }})
	g := New(o)
	r, was := logIn(t, g, "anna")
	expectAccepted(t, g, r, was)
	if reported == nil {
		t.Error("OnError was not called")
	}
}

func TestRunSavesSessionUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), SessionsFile)
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(NewToken())
		o.Sessions, _ = OpenSessions(SessionOptions{Path: path, IdleTimeout: time.Hour, OnError: func(err error) { t.Error(err) }})
		g := New(o)
		r, was := logIn(t, g, "anna")
		go o.Sessions.Run(t.Context())
		time.Sleep(40 * time.Minute)
		expectAccepted(t, g, r, was)
		time.Sleep(2 * saveInterval)
		synctest.Wait()
		time.Sleep(45 * time.Minute) // more than an hour since the start, and less since the last use
		o.Sessions, _ = OpenSessions(SessionOptions{Path: path, IdleTimeout: time.Hour})
		expectAccepted(t, New(o), r, was)
	})
}
