package serverrules

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/icholy/digest"

	"camd/pkg/source/sourceurl"
)

// Credentials answer the challenges of one server: Digest (RFC 7616) where it offers that, else Basic (RFC 7617). Their methods are not
// safe for concurrent use.
type Credentials struct {
	user, password string

	digest     *digest.Challenge
	nonceCount int // answers to this challenge
	basic      bool
}

// NewCredentials returns the credentials of a source.
func NewCredentials(src sourceurl.Source) *Credentials {
	return &Credentials{user: src.User, password: src.Password}
}

// AcceptChallenges stores a server's challenges and reports whether Authorization can answer one of them.
func (c *Credentials) AcceptChallenges(challenges []string) bool {
	c.digest, c.nonceCount, c.basic = nil, 0, false
	if c.user == "" && c.password == "" {
		return false
	}
	for _, text := range challenges {
		for _, one := range splitChallenges(text) {
			scheme, rest, _ := strings.Cut(one, " ")
			switch strings.ToLower(scheme) {
			case "basic":
				c.basic = true
			case "digest":
				if d := parseDigestChallenge(rest); c.digest == nil && digest.CanDigest(d) {
					c.digest = d
				}
			}
		}
	}
	return c.digest != nil || c.basic
}

// Authorization returns the value of the header Authorization for a request, or "" before a challenge.
func (c *Credentials) Authorization(method, uri string) string {
	if c.digest != nil {
		c.nonceCount++
		o := digest.Options{Method: method, URI: uri, Count: c.nonceCount, Username: c.user, Password: c.password}
		if a, err := digest.Digest(c.digest, o); err == nil {
			return a.String()
		}
	}
	if c.basic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	}
	return ""
}

// challengeStart matches the beginning of a challenge. It also matches quoted values, because no challenge begins inside of them. It
// lists the names of the schemes in use, because cameras forget quotes, and any other word may be a value.
var challengeStart = regexp.MustCompile(`(?i)"[^"]*"|(?:^|,)\s*(?:basic|digest|bearer|negotiate|ntlm)\b`)

// splitChallenges splits a header that holds several challenges (RFC 9110, section 11.6.1).
func splitChallenges(header string) []string {
	var starts []int
	for _, at := range challengeStart.FindAllStringIndex(header, -1) {
		if header[at[0]] != '"' {
			starts = append(starts, at[0])
		}
	}
	var parts []string
	for i, from := range starts {
		to := len(header)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		parts = append(parts, strings.Trim(header[from:to], ", \t"))
	}
	return parts
}

var challengeParameter = regexp.MustCompile(`(\w+)\s*=\s*(?:"([^"]*)"|([^,\s]+))`)

// parseDigestChallenge parses parameters such as realm="a", nonce=b. The library's own parser accepts only what follows the
// standard. Cameras leave out quotes and add commas.
func parseDigestChallenge(s string) *digest.Challenge {
	found := map[string]string{}
	for _, m := range challengeParameter.FindAllStringSubmatch(s, -1) {
		found[strings.ToLower(m[1])] = m[2] + m[3]
	}
	d := &digest.Challenge{Realm: found["realm"], Nonce: found["nonce"], Opaque: found["opaque"], Algorithm: found["algorithm"]}
	for q := range strings.SplitSeq(found["qop"], ",") {
		if q = strings.TrimSpace(q); q != "" {
			d.QOP = append(d.QOP, q)
		}
	}
	return d
}
