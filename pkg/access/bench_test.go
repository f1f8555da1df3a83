package access

import (
	"net/http"
	"testing"
	"time"
)

// What it costs to know who asks. The baseline is nobody in particular.
func BenchmarkIdentify(b *testing.B) {
	token := NewToken()
	o := house(token)
	g := New(o)
	link, err := g.Share("yard", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	session, _, err := g.Login(request(), "anna", "hunter2")
	if err != nil {
		b.Fatal(err)
	}
	open := New(Options{Anonymous: Allowance{Role: View}})
	for _, c := range []struct {
		name string
		g    *Gate
		r    *http.Request
	}{
		{"anonymous", open, request()},
		{"password", g, request(basic("anna", "hunter2"))},
		{"token", g, request(bearer(token))},
		{"session", g, request(with(session))},
		{"link", g, request(linked(link))},
		{"proxy", g, request(from("10.0.0.1:1"), header("Remote-User", "phil"))},
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
