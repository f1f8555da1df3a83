package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// cheapHash is a hash of hunter2 that is fast to check.
var cheapHash = sync.OnceValue(func() Hash { return hashWith("hunter2", 64) })

// acceptedHash is a hash with the least memory that ParseHash accepts.
var acceptedHash = sync.OnceValue(func() Hash { return hashWith("hunter2", minArgonMemory) })

func hashWith(password string, memory uint32) Hash {
	a := argon2Hash{memory: memory, time: 1, threads: 1, salt: []byte("not so random")}
	a.key = a.derive(password, keyLength)
	return Hash{text: a.String(), argon: a}
}

// request returns an anonymous request, changed by functions.
func request(change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://cams.example.com:8080/", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for _, c := range change {
		c(r)
	}
	return r
}

func fromAddress(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

func withHeader(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(key, value) }
}

func withBasicAuth(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func withBearer(token string) func(*http.Request) {
	return withHeader("Authorization", "Bearer "+token)
}

func withLink(link string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = "link=" + link }
}

func withCookie(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(c) }
}

var testKey = LinkKey("0123456789abcdef0123456789abcdef")

// testOptions returns options with users, a token, links and proxies.
func testOptions(token string) Options {
	s, err := HashToken(token)
	if err != nil {
		panic(err)
	}
	return Options{
		Users: []User{
			{"anna", cheapHash(), Permission{Role: Admin}},
			{"guest", cheapHash(), Permission{View, Scope{"front-*", "yard"}}},
			{Name: "phil", Permission: Permission{Role: Control}},
		},
		Tokens:      []Token{{"prometheus", s, Permission{Role: Metrics}}},
		LinkKey:     testKey,
		Proxies:     Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}},
		ForwardAuth: ForwardAuth{Header: "Remote-User", DefaultPermission: Permission{View, Scope{"yard"}}},
	}
}

func signLink(t *testing.T, g *Authenticator, camera string, lifetime time.Duration) string {
	t.Helper()
	link, err := g.SignLink(camera, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return link
}
