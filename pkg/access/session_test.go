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

// enter logs in and returns a request with the cookie.
func enter(t *testing.T, g *Gate, user string) (*http.Request, Grant) {
	t.Helper()
	c, grant, err := g.Login(request(), user, "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	return request(with(c)), grant
}

// refused expects that a request brings nothing, and that its grant is gone.
func refused(t *testing.T, g *Gate, r *http.Request, was Grant) {
	t.Helper()
	if got, err := g.Identify(r); !errors.Is(err, ErrNone) {
		t.Errorf("got %q, %v, want %v", got.Who, err, ErrNone)
	}
	if got, ok := g.Renew(was); ok {
		t.Errorf("renewed: %+v", got)
	}
}

func welcome(t *testing.T, g *Gate, r *http.Request, was Grant) {
	t.Helper()
	got, err := g.Identify(r)
	if err != nil || got.Who != was.Who || !got.Until.Equal(was.Until) {
		t.Errorf("got %q until %v, %v, want %q until %v", got.Who, got.Until, err, was.Who, was.Until)
	}
	if _, ok := g.Renew(was); !ok {
		t.Error("not renewed")
	}
}

func TestCookie(t *testing.T) {
	o := house(NewToken())
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
		{"stranger who says so", "camd-8080", header("X-Forwarded-Proto", "https"), false},
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
			if _, err := g.Identify(request(c.set, with(got))); err != nil {
				t.Error(err)
			}
			gone := g.Logout(request(c.set, with(got)))
			if gone.Name != got.Name || gone.MaxAge >= 0 || gone.Value != "" || gone.Secure != c.secure {
				t.Errorf("logout: got %+v", gone)
			}
			if _, err := g.Identify(request(c.set, with(got))); !errors.Is(err, ErrNone) {
				t.Errorf("replayed: got %v, want %v", err, ErrNone)
			}
		})
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := house(NewToken())
		o.Sessions, _ = OpenSessions(SessionOptions{Idle: time.Hour, Lifetime: 3 * time.Hour, Most: 3})
		g := New(o)
		idle, idles := enter(t, g, "anna")
		busy, busies := enter(t, g, "guest")
		for range 4 {
			time.Sleep(40 * time.Minute)
			welcome(t, g, busy, busies)
		}
		refused(t, g, idle, idles)
		time.Sleep(21 * time.Minute)
		refused(t, g, busy, busies)

		first, firsts := enter(t, g, "anna")
		time.Sleep(time.Second)
		second, seconds := enter(t, g, "anna")
		time.Sleep(time.Second)
		enter(t, g, "anna")
		time.Sleep(time.Second)
		welcome(t, g, first, firsts)
		enter(t, g, "anna") // one too many: the one that was used longest ago goes
		welcome(t, g, first, firsts)
		refused(t, g, second, seconds)
	})
}

func TestLoginEndsTheSessionBefore(t *testing.T) {
	g := New(house(NewToken()))
	before, was := enter(t, g, "anna")
	if _, _, err := g.Login(before, "guest", "hunter2"); err != nil {
		t.Fatal(err)
	}
	refused(t, g, before, was)
}

// Who begins sessions without end ends his own, and nobody else's.
func TestSessionsOfOneUser(t *testing.T) {
	s, err := OpenSessions(SessionOptions{Most: 4})
	if err != nil {
		t.Fatal(err)
	}
	hers, _ := s.begin("anna", [32]byte{})
	var his []string
	for range 9 {
		id, _ := s.begin("guest", [32]byte{})
		his = append(his, id)
	}
	_, ok := s.use(hers)
	_, last := s.use(his[8])
	_, first := s.use(his[0])
	if !ok || !last || first || len(s.all) != 4 {
		t.Errorf("hers %v, his last %v, his first %v, of %d", ok, last, first, len(s.all))
	}
}

func TestSessionsAndReload(t *testing.T) {
	o := house(NewToken())
	g := New(o)
	anna, annas := enter(t, g, "anna")
	guest, guests := enter(t, g, "guest")
	o.Sessions = g.o.Sessions

	o.Users = []User{{"anna", cheap(), Allowance{Role: View}}, {"guest", hashing("hunter22", 64), Allowance{Role: View}}}
	next := New(o)
	refused(t, next, guest, guests) // also where nobody has settled yet
	next.Settle()
	if got, err := next.Identify(anna); err != nil || got.Is(Control) {
		t.Errorf("got %+v, %v, want anna with another role", got, err)
	}
	if got, ok := next.Renew(annas); !ok || got.Is(Control) || !got.Sees("yard") {
		t.Errorf("renewed: %+v, %v", got, ok)
	}
	refused(t, next, guest, guests)

	// The old password again: what it opened once stays closed.
	o.Users[1].Hash = cheap()
	back := New(o)
	back.Settle()
	refused(t, back, guest, guests)
	welcome(t, back, anna, annas)
}

func TestSessionsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), SessionsName)
	opened := func() *Gate {
		o := house(NewToken())
		var err error
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path, Failed: func(err error) { t.Error(err) }}); err != nil {
			t.Fatal(err)
		}
		return New(o)
	}
	g := opened()
	stays, was := enter(t, g, "anna")
	leaves, left := enter(t, g, "guest")
	g.Logout(leaves)

	later := opened()
	welcome(t, later, stays, was)
	refused(t, later, leaves, left)
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
	if strings.Contains(string(text), c.Value) || strings.Contains(string(text), cheap().text) {
		t.Errorf("the file lets its reader in: %s", text)
	}
}

func TestSessionsDamaged(t *testing.T) {
	for _, text := range []string{"", "{", `[{"sum":"00","print":"00"}]`, "[" + strings.Repeat(" ", longestSessions) + "]"} {
		path := filepath.Join(t.TempDir(), SessionsName)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		o := house(NewToken())
		var err error
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path}); err == nil {
			t.Errorf("%.20q: no error", text)
		}
		r, was := enter(t, New(o), "anna")
		if o.Sessions, err = OpenSessions(SessionOptions{Path: path}); err != nil {
			t.Errorf("%.20q: not written anew: %v", text, err)
		}
		welcome(t, New(o), r, was)
	}
}

func TestSessionsCannotBeKept(t *testing.T) {
	var said error
	o := house(NewToken())
	o.Sessions, _ = OpenSessions(SessionOptions{Path: "/dev/null/" + SessionsName, Failed: func(err error) { said = err }})
	g := New(o)
	r, was := enter(t, g, "anna")
	welcome(t, g, r, was)
	if said == nil {
		t.Error("nobody was told")
	}
}

func TestSessionsRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), SessionsName)
	synctest.Test(t, func(t *testing.T) {
		o := house(NewToken())
		o.Sessions, _ = OpenSessions(SessionOptions{Path: path, Idle: time.Hour, Failed: func(err error) { t.Error(err) }})
		g := New(o)
		r, was := enter(t, g, "anna")
		go o.Sessions.Run(t.Context())
		time.Sleep(40 * time.Minute)
		welcome(t, g, r, was)
		time.Sleep(2 * saveEvery)
		synctest.Wait()
		time.Sleep(45 * time.Minute) // longer than an hour ago it began, and less it was used
		o.Sessions, _ = OpenSessions(SessionOptions{Path: path, Idle: time.Hour})
		welcome(t, New(o), r, was)
	})
}
