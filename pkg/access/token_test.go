package access

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTokenHashRoundTrip(t *testing.T) {
	one, other := NewToken(), NewToken()
	if one == other || !strings.HasPrefix(one, "camd_") {
		t.Errorf("got %q and %q", one, other)
	}
	s, err := HashToken(one)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseTokenHash(s.String()); err != nil || again != s {
		t.Errorf("got %v, %v, want %v", again, err, s)
	}
	for _, bad := range []string{"", "hunter2", strings.Repeat("hunter2 ", 10), strings.Repeat("hunter2", 10) + "\n", strings.Repeat("hunter2ä", 10)} {
		if _, err := HashToken(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("token %q: got %v", bad, err)
		}
		if _, err := ParseTokenHash(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("sum %q: got %v", bad, err)
		}
	}
	for _, bad := range []string{one, "sha256:" + one, s.String()[:70], s.String() + "00", strings.TrimPrefix(s.String(), "sha256:")} {
		if _, err := ParseTokenHash(bad); err == nil {
			t.Errorf("sum %q is accepted", bad)
		}
	}
}

// fuzzAuthenticator has one token and one user, and no anonymous access.
func fuzzAuthenticator(token string) *Authenticator {
	o := testOptions(token)
	o.Users, o.ForwardAuth, o.LinkKey = o.Users[:1], ForwardAuth{}, nil
	return New(o)
}

func FuzzToken(f *testing.F) {
	token := NewToken()
	g := fuzzAuthenticator(token)
	f.Add("Bearer "+token[1:], uint8(0), byte(1))
	f.Add("bearer  x", uint8(7), byte(0))
	f.Add("", uint8(47), byte(0x80))
	f.Fuzz(func(t *testing.T, raw string, at uint8, flip byte) {
		if got, err := g.Identify(request(withHeader("Authorization", raw))); err == nil && !strings.Contains(raw, token) {
			t.Errorf("%q was accepted as %+v", raw, got)
		}
		b := []byte(token)
		b[int(at)%len(b)] ^= flip
		got, err := g.Identify(request(withBearer(string(b))))
		if same := flip == 0; same != (err == nil) || same != got.Allows(Metrics, "") {
			t.Errorf("%q: got %+v, %v", b, got, err)
		}
		if s, err := HashToken(raw); err == nil {
			if again, err := ParseTokenHash(s.String()); err != nil || again != s {
				t.Errorf("%q: got %v, %v", raw, again, err)
			}
		}
	})
}

func FuzzBasic(f *testing.F) {
	g := fuzzAuthenticator(NewToken())
	f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte("anna:hunter3")), "anna", "hunter3")
	f.Add("basic x", "Anna", "hunter2")
	f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte("anna")), "anna\x00", "")
	f.Add("Basic OmE=", "anna:hunter2", "hunter2")
	f.Fuzz(func(t *testing.T, raw, user, password string) {
		for _, r := range []*http.Request{request(withHeader("Authorization", raw)), request(withBasicAuth(user, password))} {
			u, p, _ := r.BasicAuth()
			right := u == "anna" && p == "hunter2"
			var got Grant
			var err error
			if got, err = g.Identify(r); right != (err == nil) || right != got.HasRole(Admin) {
				if _, later := err.(*RetryLaterError); !later || got.HasRole(View) {
					t.Errorf("%q, %q: got %+v, %v", u, p, got, err)
				}
			}
			if err != nil && p != "" && len(p) > 12 && strings.Contains(fmt.Sprint(err), p) {
				t.Errorf("the error repeats a password: %v", err)
			}
		}
	})
}
