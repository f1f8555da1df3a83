package capture

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/icholy/digest"

	"camd/pkg/source/spec"
)

// credentials answers the challenges of one server: Digest (RFC 7616) where it offers that, else Basic (RFC 7617).
type credentials struct {
	src    spec.Source
	digest *digest.Challenge
	count  int // answers to this challenge
	basic  bool
}

// learn takes a server's challenges and reports whether there is an answer to one.
func (c *credentials) learn(challenges []string) bool {
	c.digest, c.count, c.basic = nil, 0, false
	if c.src.User == "" && c.src.Password == "" {
		return false
	}
	for _, text := range challenges {
		for _, one := range separate(text) {
			scheme, rest, _ := strings.Cut(one, " ")
			switch strings.ToLower(scheme) {
			case "basic":
				c.basic = true
			case "digest":
				if d := challenge(rest); c.digest == nil && digest.CanDigest(d) {
					c.digest = d
				}
			}
		}
	}
	return c.digest != nil || c.basic
}

// answer is the header for a request, or "" before a challenge.
func (c *credentials) answer(method, uri string) string {
	if c.digest != nil {
		c.count++
		o := digest.Options{Method: method, URI: uri, Count: c.count, Username: c.src.User, Password: c.src.Password}
		if a, err := digest.Digest(c.digest, o); err == nil {
			return a.String()
		}
	}
	if c.basic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.src.User+":"+c.src.Password))
	}
	return ""
}

// opening matches where a challenge begins, and what is quoted, in which none does. Names are those of the schemes in use:
// cameras forget quotes, and any other word may be a value.
var opening = regexp.MustCompile(`(?i)"[^"]*"|(?:^|,)\s*(?:basic|digest|bearer|negotiate|ntlm)\b`)

// separate takes a header apart that holds several challenges (RFC 9110, section 11.6.1).
func separate(header string) []string {
	var starts []int
	for _, at := range opening.FindAllStringIndex(header, -1) {
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

var parameter = regexp.MustCompile(`(\w+)\s*=\s*(?:"([^"]*)"|([^,\s]+))`)

// challenge reads realm="a", nonce=b and the like. The library's own reader wants it as the standard has it; cameras
// leave out quotes and add commas.
func challenge(s string) *digest.Challenge {
	found := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(s, -1) {
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
