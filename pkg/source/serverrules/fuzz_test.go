package serverrules

import (
	"strings"
	"testing"

	"github.com/icholy/digest"
)

// A challenge that the library writes is parsed, whatever precedes it.
func FuzzChallenge(f *testing.F) {
	f.Add("Streaming Server", "abc==", "5ccc", "auth,auth-int", "MD5", " Basic realm=\"x\",")
	f.Add("a, Digest b", "Basic c", "", "auth", "SHA-256", "")
	f.Add("", "0", "", "", "", "Negotiate,")
	f.Fuzz(func(t *testing.T, realm, nonce, opaque, qop, algorithm, before string) {
		for _, s := range []string{realm, nonce, opaque, qop, algorithm, before} {
			for _, part := range splitChallenges(s) { // the parts of any text are pieces of it
				if !strings.Contains(s, part) {
					t.Fatalf("%q is not in %q", part, s)
				}
			}
			if _ = parseDigestChallenge(s); strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
				return
			}
		}
		if strings.Trim(algorithm, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789") != "" || before != "" && before != "Negotiate," && before != `Basic realm="x",` {
			return
		}
		want := digest.Challenge{Realm: realm, Nonce: nonce, Opaque: opaque, Algorithm: algorithm}
		if qop = strings.Trim(qop, " ,"); qop != "" {
			want.QOP = []string{qop}
		}
		parts := splitChallenges(before + " " + want.String())
		if len(parts) == 0 {
			t.Fatalf("nothing in %s", want.String())
		}
		_, rest, _ := strings.Cut(parts[len(parts)-1], " ")
		got := parseDigestChallenge(rest)
		if got.Realm != realm || got.Nonce != nonce || got.Opaque != opaque || got.Algorithm != algorithm {
			t.Errorf("%s is read as %+v", want.String(), got)
		}
	})
}
