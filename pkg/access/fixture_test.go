package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// cheap is the hash of hunter2 that takes the least time of those that are accepted.
var cheap = sync.OnceValue(func() Hash { return cheaply("hunter2") })

func cheaply(password string) Hash {
	a := argon{memory: leastMemory, time: 1, threads: 1, salt: []byte("not so random")}
	a.key = a.of(password, keyLength)
	h, err := ParseHash(a.String())
	if err != nil {
		panic(err)
	}
	return h
}

func bcrypted(t *testing.T, password string) Hash {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(password), leastCost)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHash(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// request is one of a stranger, changed.
func request(change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://cams.example.com:8080/", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for _, c := range change {
		c(r)
	}
	return r
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(key, value) }
}

func basic(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func bearer(token string) func(*http.Request) { return header("Authorization", "Bearer "+token) }

func linked(link string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = "link=" + link }
}

func with(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(c) }
}

var testKey = LinkKey("0123456789abcdef0123456789abcdef")

// house has users, a token, links and proxies.
func house(token string) Options {
	s, err := SumToken(token)
	if err != nil {
		panic(err)
	}
	return Options{
		Users: []User{
			{"anna", cheap(), Allowance{Role: Admin}},
			{"guest", cheap(), Allowance{View, Scope{"front-*", "yard"}}},
			{Name: "phil", Allowance: Allowance{Role: Control}},
		},
		Tokens:      []Token{{"prometheus", s, Allowance{Role: Metrics}}},
		LinkKey:     testKey,
		Proxies:     Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}},
		ForwardAuth: ForwardAuth{Header: "Remote-User", Others: Allowance{View, Scope{"yard"}}},
	}
}

func share(t *testing.T, g *Gate, camera string, lasting time.Duration) string {
	t.Helper()
	link, err := g.Share(camera, lasting)
	if err != nil {
		t.Fatal(err)
	}
	return link
}
