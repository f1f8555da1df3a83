package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func request(change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://cams.example.com:8080/", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	change(r)
	return r
}

func TestIdentify(t *testing.T) {
	token := NewToken()
	sum, err := SumToken(token)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := ParseHash(HashPassword("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	g := New(Options{
		Users:   []User{{"anna", hash, Allowance{Role: Admin}}, {"guest", hash, Allowance{View, Scope{"front-*"}}}},
		Tokens:  []Token{{"prometheus", sum, Allowance{Role: Metrics}}},
		LinkKey: LinkKey("0123456789abcdef0123456789abcdef"),
	})
	link, err := g.Share("yard", LongestLink)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  func(*http.Request)
		who  string
		err  error
	}{
		{"nothing", func(*http.Request) {}, "", ErrNone},
		{"password", func(r *http.Request) { r.SetBasicAuth("anna", "hunter2") }, "anna", nil},
		{"wrong password", func(r *http.Request) { r.SetBasicAuth("anna", "hunter3") }, "", ErrWrong},
		{"unknown user", func(r *http.Request) { r.SetBasicAuth("bob", "hunter2") }, "", ErrWrong},
		{"token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }, "token prometheus", nil},
		{"wrong token", func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token+"x") }, "", ErrWrong},
		{"link", func(r *http.Request) { r.URL.RawQuery = "link=" + link }, "link", nil},
		{"wrong link", func(r *http.Request) { r.URL.RawQuery = "link=" + link[1:] }, "", ErrWrong},
		{"made-up session", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "camd-8080", Value: "x"}) }, "", ErrNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := g.Identify(request(c.set))
			if got.Who != c.who || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v, want %q, %v", got.Who, err, c.who, c.err)
			}
		})
	}
}

func TestSession(t *testing.T) {
	hash, err := ParseHash(HashPassword("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	g := New(Options{Users: []User{{"anna", hash, Allowance{Role: Control}}}})
	anybody := request(func(*http.Request) {})
	cookie, _, err := g.Login(anybody, "anna", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	again := request(func(r *http.Request) { r.AddCookie(cookie) })
	grant, err := g.Identify(again)
	if err != nil || grant.Who != "anna" || !grant.May(Control, "yard") || grant.May(Admin, "yard") {
		t.Errorf("got %+v, %v", grant, err)
	}
	if _, ok := g.Renew(grant); !ok {
		t.Error("not renewed")
	}
	g.Logout(again)
	if _, err := g.Identify(again); !errors.Is(err, ErrNone) {
		t.Errorf("after the logout: got %v, want %v", err, ErrNone)
	}
	if _, ok := g.Renew(grant); ok {
		t.Error("renewed after the logout")
	}
}
