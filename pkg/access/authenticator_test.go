package access

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestIdentifyReturnsGrantOrReason(t *testing.T) {
	token := NewToken()
	closed := New(testOptions(token))
	o := testOptions(token)
	o.Anonymous = Permission{View, Scope{"street"}}
	open := New(o)
	link := signLink(t, closed, "yard", time.Hour)
	session, _, err := closed.Login(request(), "guest", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	proxy, stranger := fromAddress("10.1.2.3:1"), fromAddress("192.0.2.9:1")
	for _, c := range []struct {
		name string
		r    *http.Request
		who  string
		kind Kind
		err  error // of the authenticator without anonymous access; the other one accepts requests without valid credentials
	}{
		{"nothing", request(), "", "", ErrNoCredentials},
		{"password", request(withBasicAuth("anna", "hunter2")), "anna", ByPassword, nil},
		{"wrong password", request(withBasicAuth("anna", "hunter3")), "", "", ErrWrongCredentials},
		{"unknown user", request(withBasicAuth("bob", "hunter2")), "", "", ErrWrongCredentials},
		{"user without a password", request(withBasicAuth("phil", "")), "", "", ErrWrongCredentials},
		{"empty credentials", request(withBasicAuth("", "")), "", "", ErrWrongCredentials},
		{"password too long", request(withBasicAuth("anna", string(make([]byte, maxPasswordLength+1)))), "", "", ErrWrongCredentials},
		{"half a header", request(withHeader("Authorization", "Basic")), "", "", ErrNoCredentials},
		{"another scheme", request(withHeader("Authorization", "Digest x")), "", "", ErrNoCredentials},
		{"token", request(withBearer(token)), "token prometheus", ByToken, nil},
		{"token, small letters", request(withHeader("Authorization", "bearer "+token)), "token prometheus", ByToken, nil},
		{"wrong token", request(withBearer(token + "x")), "", "", ErrWrongCredentials},
		{"no token", request(withBearer("")), "", "", ErrWrongCredentials},
		{"token's sum", request(withBearer(o.Tokens[0].Hash.String())), "", "", ErrWrongCredentials},
		{"link", request(withLink(link)), "link", ByLink, nil},
		{"broken link", request(withLink(link[1:])), "", "", ErrWrongCredentials},
		{"session", request(withCookie(session)), "guest", BySession, nil},
		{"session, made up", request(withCookie(&http.Cookie{Name: session.Name, Value: "x"})), "", "", ErrNoCredentials},
		{"session of another port", request(withCookie(session), func(r *http.Request) { r.Host = "cams.example.com:8081" }), "", "", ErrNoCredentials},
		{"password before session", request(withCookie(session), withBasicAuth("anna", "hunter2")), "anna", ByPassword, nil},
		{"wrong password beside a session", request(withCookie(session), withBasicAuth("anna", "hunter3")), "", "", ErrWrongCredentials},
		{"session before link", request(withCookie(session), withLink(link)), "guest", BySession, nil},
		{"proxy, known user", request(proxy, withHeader("Remote-User", "phil")), "phil", ByProxy, nil},
		{"proxy, other user", request(proxy, withHeader("Remote-User", "zoe")), "zoe", ByProxy, nil},
		{"proxy, nobody", request(proxy, withHeader("Remote-User", "")), "", "", ErrNoCredentials},
		{"proxy, two names", request(proxy, withHeader("Remote-User", "phil"), withHeader("Remote-User", "zoe")), "", "", ErrNoCredentials},
		{"stranger as a proxy", request(stranger, withHeader("Remote-User", "phil")), "", "", ErrNoCredentials},
		{"stranger through a proxy that says nobody", request(stranger, withHeader("X-Forwarded-For", "10.1.2.3"), withHeader("Remote-User", "phil")), "", "", ErrNoCredentials},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := closed.Identify(c.r)
			if got.Identity != c.who || got.Kind != c.kind || !errors.Is(err, c.err) {
				t.Errorf("got %q by %q, %v, want %q by %q, %v", got.Identity, got.Kind, err, c.who, c.kind, c.err)
			}
			if err != nil && got.HasRole(View) {
				t.Error("a grant beside an error")
			}
			if c.kind == BySession {
				return // a session of the other authenticator
			}
			got, err = open.Identify(c.r)
			if left := errors.Is(c.err, ErrNoCredentials) || c.name == "broken link"; left && (got.Kind != ByAnonymous || !got.CanSee("street") || got.CanSee("yard")) || !left && got.Kind != c.kind {
				t.Errorf("open: got %q by %q, %v", got.Identity, got.Kind, err)
			}
		})
	}
}

// A proxy before camd may have its own users, and forward their credentials to camd.
func TestAnonymousIgnoresUnknownCredentials(t *testing.T) {
	g := New(Options{Anonymous: Permission{Role: Admin}})
	for _, r := range []*http.Request{request(withBasicAuth("anna", "hunter2")), request(withBearer(NewToken())), request(withLink("x"))} {
		if got, err := g.Identify(r); err != nil || got.Kind != ByAnonymous || !got.Allows(Admin, "") {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, _, err := g.Login(request(), "anna", "hunter2"); !errors.Is(err, ErrWrongCredentials) {
		t.Errorf("login: got %v, want %v", err, ErrWrongCredentials)
	}
	if g.HasLogin() || g.HasLinks() {
		t.Error("HasLogin or HasLinks is true without users and link key")
	}
}

// A cached password check of one user does not apply to another.
func TestVerifiedCredentialsAreKeyedByUser(t *testing.T) {
	o := testOptions(NewToken())
	o.Users = append(o.Users, User{"annah", hashWith("other", 64), Permission{Role: View}})
	g := New(o)
	if err := identifyError(g, withBasicAuth("anna", "hunter2")); err != nil {
		t.Fatal(err)
	}
	if err := identifyError(g, withBasicAuth("annah", "unter2")); !errors.Is(err, ErrWrongCredentials) {
		t.Errorf("got %v, want %v", err, ErrWrongCredentials)
	}
}

// After a reload, earlier credentials may be invalid or have another permission.
func TestRevalidateAppliesNewOptions(t *testing.T) {
	token, proxy := NewToken(), fromAddress("10.1.2.3:1")
	o := testOptions(token)
	o.Anonymous = Permission{Role: View}
	for _, c := range []struct {
		name   string
		r      *http.Request
		change func(*Options)
		ok     bool
		admin  bool
	}{
		{"the same", request(withBasicAuth("anna", "hunter2")), func(*Options) {}, true, true},
		{"another role", request(withBasicAuth("anna", "hunter2")), func(o *Options) { o.Users = []User{{"anna", cheapHash(), Permission{Role: View}}} }, true, false},
		{"another password", request(withBasicAuth("anna", "hunter2")), func(o *Options) { o.Users = []User{{"anna", hashWith("x", 64), Permission{Role: Admin}}} }, false, false},
		{"no such user", request(withBasicAuth("anna", "hunter2")), func(o *Options) { o.Users = nil }, false, false},
		{"the same token", request(withBearer(token)), func(o *Options) { o.Tokens[0].Role = Admin }, true, true},
		{"no such token", request(withBearer(token)), func(o *Options) { o.Tokens = nil }, false, false},
		{"the proxy's user", request(proxy, withHeader("Remote-User", "phil")), func(o *Options) { o.Users[2].Role = Admin }, true, true},
		{"the proxy's other", request(proxy, withHeader("Remote-User", "zoe")), func(o *Options) { o.ForwardAuth.DefaultPermission.Role = Control }, true, false},
		{"no longer others", request(proxy, withHeader("Remote-User", "zoe")), func(o *Options) { o.ForwardAuth.DefaultPermission = Permission{} }, false, false},
		{"no longer a proxy", request(proxy, withHeader("Remote-User", "phil")), func(o *Options) { o.ForwardAuth = ForwardAuth{} }, false, false},
		{"everybody", request(), func(o *Options) { o.Anonymous = Permission{Role: Admin} }, true, true},
		{"no longer everybody", request(), func(o *Options) { o.Anonymous = Permission{} }, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			grant, err := New(o).Identify(c.r)
			if err != nil {
				t.Fatal(err)
			}
			now := o
			now.Users, now.Tokens = slices.Clone(o.Users), slices.Clone(o.Tokens)
			c.change(&now)
			got, ok := New(now).Revalidate(grant)
			if ok != c.ok || got.HasRole(Admin) != c.admin || ok && got.Identity != grant.Identity {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
	if got, ok := New(o).Revalidate(Grant{}); ok || got.HasRole(View) {
		t.Errorf("the zero grant was renewed: %+v", got)
	}
}

func TestZeroOptionsDenyAll(t *testing.T) {
	g := New(Options{})
	if got, err := g.Identify(request()); !errors.Is(err, ErrNoCredentials) || got.HasRole(View) {
		t.Errorf("got %+v, %v", got, err)
	}
	if (Grant{}).CanSee("yard") || (Grant{}).Allows(Metrics, "") {
		t.Error("the zero grant allows something")
	}
	if _, err := g.SignLink("yard", time.Hour); err == nil {
		t.Error("made a link without a key")
	}
}

func TestRoleIncludesLesserRoles(t *testing.T) {
	has := map[Role][]Role{View: {View}, Control: {View, Control}, Admin: Roles, Metrics: {Metrics}, "": nil, "root": nil}
	for r, may := range has {
		for _, other := range append([]Role{"", "root"}, Roles...) {
			want := false
			for _, m := range may {
				want = want || m == other
			}
			if got := r.Includes(other); got != want {
				t.Errorf("%q includes %q: got %v, want %v", r, other, got, want)
			}
		}
	}
}

func TestScopeMatchesPatterns(t *testing.T) {
	for _, c := range []struct {
		scope  Scope
		camera string
		has    bool
	}{
		{nil, "yard", true},
		{Scope{"yard"}, "yard", true},
		{Scope{"yard"}, "yard2", false},
		{Scope{"hall", "front-*"}, "front-door", true},
		{Scope{"front-*"}, "front", false},
		{Scope{"cam-[0-3]"}, "cam-4", false},
		{Scope{"[bad"}, "[bad", false},
		{Scope{""}, "yard", false},
	} {
		if got := c.scope.Has(c.camera); got != c.has {
			t.Errorf("%q has %q: got %v, want %v", c.scope, c.camera, got, c.has)
		}
		g := Grant{permission: Permission{Control, c.scope}}
		if g.CanSee(c.camera) != c.has || g.Allows(Control, c.camera) != c.has || g.Allows(Admin, c.camera) || g.Allows(View, "") != (len(c.scope) == 0) || !g.HasRole(View) {
			t.Errorf("%q of %q: the grant differs", c.camera, c.scope)
		}
	}
	for _, p := range []string{"", "[", `a\`, "[z-a"} {
		if CheckPattern(p) == nil {
			t.Errorf("pattern %q is accepted", p)
		}
	}
	if err := (Permission{Metrics, Scope{"yard"}}).Check(); err == nil {
		t.Error("metrics was limited to one camera")
	}
}
