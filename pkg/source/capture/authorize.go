package capture

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"camd/pkg/source/spec"
)

// authorize answers a server's challenge (RFC 7617 for Basic, RFC 2617 for Digest with MD5, which is what cameras have), or
// returns "" where it knows no answer.
func authorize(challenges []string, src spec.Source, method, uri string) string {
	for _, challenge := range challenges {
		scheme, rest, _ := strings.Cut(challenge, " ")
		switch strings.ToLower(scheme) {
		case "digest":
			return digest(parameters(rest), src, method, uri)
		case "basic":
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(src.User+":"+src.Password))
		}
	}
	return ""
}

func digest(p map[string]string, src spec.Source, method, uri string) string {
	ha1 := hash(src.User, p["realm"], src.Password)
	ha2 := hash(method, uri)
	response := hash(ha1, p["nonce"], ha2)
	extra := ""
	if strings.Contains(p["qop"], "auth") {
		const count, nonce = "00000001", "63616d64"
		response = hash(ha1, p["nonce"], count, nonce, "auth", ha2)
		extra = fmt.Sprintf(", qop=auth, nc=%s, cnonce=%q", count, nonce)
	}
	if p["opaque"] != "" {
		extra += fmt.Sprintf(", opaque=%q", p["opaque"])
	}
	return fmt.Sprintf("Digest username=%q, realm=%q, nonce=%q, uri=%q, response=%q", src.User, p["realm"], p["nonce"], uri, response) + extra
}

func hash(fields ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(fields, ":"))))
}

var parameter = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^,\s]+))`)

// parameters reads realm="a", nonce=b and the like.
func parameters(s string) map[string]string {
	found := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(s, -1) {
		found[strings.ToLower(m[1])] = m[2] + m[3]
	}
	return found
}
