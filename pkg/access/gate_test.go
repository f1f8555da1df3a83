package access

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestIdentify(t *testing.T) {
	token := NewToken()
	closed := New(house(token))
	o := house(token)
	o.Anonymous = Allowance{View, Scope{"street"}}
	open := New(o)
	link := share(t, closed, "yard", time.Hour)
	session, _, err := closed.Login(request(), "guest", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	proxy, stranger := from("10.1.2.3:1"), from("192.0.2.9:1")
	for _, c := range []struct {
		name string
		r    *http.Request
		who  string
		kind Kind
		err  error // of the closed gate; the open one lets in whoever brings nothing, or what is no longer good
	}{
		{"nothing", request(), "", "", ErrNone},
		{"password", request(basic("anna", "hunter2")), "anna", ByBasic, nil},
		{"wrong password", request(basic("anna", "hunter3")), "", "", ErrWrong},
		{"unknown user", request(basic("bob", "hunter2")), "", "", ErrWrong},
		{"user without a password", request(basic("phil", "")), "", "", ErrWrong},
		{"empty credentials", request(basic("", "")), "", "", ErrWrong},
		{"password too long", request(basic("anna", string(make([]byte, longestPassword+1)))), "", "", ErrWrong},
		{"half a header", request(header("Authorization", "Basic")), "", "", ErrNone},
		{"another scheme", request(header("Authorization", "Digest x")), "", "", ErrNone},
		{"token", request(bearer(token)), "token prometheus", ByToken, nil},
		{"token, small letters", request(header("Authorization", "bearer "+token)), "token prometheus", ByToken, nil},
		{"wrong token", request(bearer(token + "x")), "", "", ErrWrong},
		{"no token", request(bearer("")), "", "", ErrWrong},
		{"token's sum", request(bearer(o.Tokens[0].Sum.String())), "", "", ErrWrong},
		{"link", request(linked(link)), "link", ByLink, nil},
		{"broken link", request(linked(link[1:])), "", "", ErrWrong},
		{"session", request(with(session)), "guest", BySession, nil},
		{"session, made up", request(with(&http.Cookie{Name: session.Name, Value: "x"})), "", "", ErrNone},
		{"session of another port", request(with(session), func(r *http.Request) { r.Host = "cams.example.com:8081" }), "", "", ErrNone},
		{"password before session", request(with(session), basic("anna", "hunter2")), "anna", ByBasic, nil},
		{"wrong password beside a session", request(with(session), basic("anna", "hunter3")), "", "", ErrWrong},
		{"session before link", request(with(session), linked(link)), "guest", BySession, nil},
		{"proxy, known user", request(proxy, header("Remote-User", "phil")), "phil", ByProxy, nil},
		{"proxy, other user", request(proxy, header("Remote-User", "zoe")), "zoe", ByProxy, nil},
		{"proxy, nobody", request(proxy, header("Remote-User", "")), "", "", ErrNone},
		{"proxy, two names", request(proxy, header("Remote-User", "phil"), header("Remote-User", "zoe")), "", "", ErrNone},
		{"stranger as a proxy", request(stranger, header("Remote-User", "phil")), "", "", ErrNone},
		{"stranger through a proxy that says nobody", request(stranger, header("X-Forwarded-For", "10.1.2.3"), header("Remote-User", "phil")), "", "", ErrNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := closed.Identify(c.r)
			if got.Who != c.who || got.Kind != c.kind || !errors.Is(err, c.err) {
				t.Errorf("got %q by %q, %v, want %q by %q, %v", got.Who, got.Kind, err, c.who, c.kind, c.err)
			}
			if err != nil && got.Is(View) {
				t.Error("a grant beside an error")
			}
			if c.kind == BySession {
				return // of the other gate
			}
			got, err = open.Identify(c.r)
			if left := errors.Is(c.err, ErrNone) || c.name == "broken link"; left && (got.Kind != ByNothing || !got.Sees("street") || got.Sees("yard")) || !left && got.Kind != c.kind {
				t.Errorf("open: got %q by %q, %v", got.Who, got.Kind, err)
			}
		})
	}
}

// A proxy before camd may have users of its own, and send on what they gave it.
func TestNobodyToBeWrongAbout(t *testing.T) {
	g := New(Options{Anonymous: Allowance{Role: Admin}})
	for _, r := range []*http.Request{request(basic("anna", "hunter2")), request(bearer(NewToken())), request(linked("x"))} {
		if got, err := g.Identify(r); err != nil || got.Kind != ByNothing || !got.May(Admin, "") {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, _, err := g.Login(request(), "anna", "hunter2"); !errors.Is(err, ErrWrong) {
		t.Errorf("login: got %v, want %v", err, ErrWrong)
	}
	if g.HasLogin() || g.HasLinks() {
		t.Error("says that there is somebody to log in, or a link to make")
	}
}

func TestNothingByDefault(t *testing.T) {
	g := New(Options{})
	if got, err := g.Identify(request()); !errors.Is(err, ErrNone) || got.Is(View) {
		t.Errorf("got %+v, %v", got, err)
	}
	if (Grant{}).Sees("yard") || (Grant{}).May(Metrics, "") {
		t.Error("the zero grant may something")
	}
	if _, err := g.Share("yard", time.Hour); err == nil {
		t.Error("a link without a key")
	}
}

func TestRoles(t *testing.T) {
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

func TestScope(t *testing.T) {
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
		g := Grant{allowance: Allowance{Control, c.scope}}
		if g.Sees(c.camera) != c.has || g.May(Control, c.camera) != c.has || g.May(Admin, c.camera) || g.May(View, "") != (len(c.scope) == 0) || !g.Is(View) {
			t.Errorf("%q of %q: the grant says otherwise", c.camera, c.scope)
		}
	}
	for _, p := range []string{"", "[", `a\`, "[z-a"} {
		if CheckPattern(p) == nil {
			t.Errorf("pattern %q is accepted", p)
		}
	}
	if err := (Allowance{Metrics, Scope{"yard"}}).Check(); err == nil {
		t.Error("metrics of one camera")
	}
}
