package serverrules

import (
	"testing"

	"github.com/icholy/digest"

	"camd/pkg/source/sourceurl"
)

func TestDigestIsPreferredAmongChallenges(t *testing.T) {
	// The example of RFC 2617, section 3.5, without its qop.
	const challenge = `Digest realm="testrealm@host.com", qop="", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"`
	for _, offered := range [][]string{
		{`Basic realm="x"`, challenge},
		{`Basic realm="x", ` + challenge},
		{challenge + `, Basic realm="x, Digest y=z"`},
		{`Negotiate, ` + challenge + `,Basic realm=x`},
		{challenge + `, algorithm = MD5 , stale=FALSE`, `NTLM`},
		{`Digest qop=auth-int,auth,` + challenge[len("Digest "):]},
	} {
		c := NewCredentials(sourceurl.Source{User: "Mufasa", Password: "Circle Of Life"})
		if !c.AcceptChallenges(offered) {
			t.Errorf("%q: no answer", offered)
			continue
		}
		answer, err := digest.ParseCredentials(c.Authorization("GET", "/dir/index.html"))
		if err != nil || answer.Response != "670fd8c2df070c60b045671b8b24ff02" || answer.Opaque != "5ccc" || answer.Username != "Mufasa" {
			t.Errorf("%q: got %+v, %v", offered, answer, err)
		}
	}
}
