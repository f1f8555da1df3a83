package access

import (
	"net/http"
	"testing"
	"time"
)

// The cost of identifying a request. The baseline is an anonymous one.
func BenchmarkIdentify(b *testing.B) {
	token := NewToken()
	o := testOptions(token)
	g := New(o)
	link, err := g.SignLink("yard", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	session, _, err := g.Login(request(), "anna", "hunter2")
	if err != nil {
		b.Fatal(err)
	}
	open := New(Options{Anonymous: Permission{Role: View}})
	for _, c := range []struct {
		name string
		g    *Authenticator
		r    *http.Request
	}{
		{"anonymous", open, request()},
		{"password", g, request(withBasicAuth("anna", "hunter2"))},
		{"token", g, request(withBearer(token))},
		{"session", g, request(withCookie(session))},
		{"link", g, request(withLink(link))},
		{"proxy", g, request(fromAddress("10.0.0.1:1"), withHeader("Remote-User", "phil"))},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.g.Identify(c.r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPassword(b *testing.B) {
	made, err := ParseHash(HashPassword("hunter2"))
	if err != nil {
		b.Fatal(err)
	}
	bcrypt12, err := ParseHash("$2a$12$aaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	if err != nil {
		b.Fatal(err)
	}
	for name, h := range map[string]Hash{"argon2id": made, "bcrypt12": bcrypt12} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.Matches("hunter2")
			}
		})
	}
}
