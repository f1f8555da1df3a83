package sourceurl

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Redactor removes a source's secrets from texts. A camera, and the libraries that read it, may repeat what they were sent, in a
// header or error message for instance. The zero Redactor is not usable. A Redactor is safe for concurrent use.
type Redactor struct {
	replacer       *strings.Replacer
	maxSecretBytes int
}

// minSecretValue is the length from which a value in a query counts as a secret, whatever its key. Shorter values are often numbers of
// channels and the like. Replacing them would hide half of every line.
const minSecretValue = 6

// secretKey matches keys in a query whose values count as secrets from minShortSecret bytes on.
var secretKey = regexp.MustCompile(`(?i)^(.*[_-])?(p|pw|pwd|pass|passwd|password|secret|token|auth|(api)?key|sig|signature|pin|code|session(id)?|sid)$`)

// minShortSecret is the length from which a value with a secretKey counts as a secret. Replacing shorter ones would hide half of
// every line.
const minShortSecret = 3

// NewRedactor returns the redactor of a source. The secrets are its password, plain and as encoded in a URL or in a Basic Authorization,
// and the query of its URL and the values in it, since cameras often take a password there.
func NewRedactor(src Source) Redactor {
	replacements := map[string]string{} // by secret
	add := func(secret string) {
		if secret != "" {
			replacements[secret] = "***"
		}
	}
	if src.Password != "" {
		add(src.Password)
		add(strings.TrimPrefix(url.UserPassword("", src.Password).String(), ":"))
		add(url.QueryEscape(src.Password))
		add(url.PathEscape(src.Password))
		basic := src.User + ":" + src.Password
		add(base64.StdEncoding.EncodeToString([]byte(basic)))
		add(base64.URLEncoding.EncodeToString([]byte(basic)))
	}
	if src.IsNetwork() {
		add(src.URL.RawQuery)
		for piece := range strings.SplitSeq(src.URL.RawQuery, "&") {
			key, value, _ := strings.Cut(piece, "=")
			if plain, err := url.QueryUnescape(value); err == nil && (len(plain) >= minSecretValue || len(plain) >= minShortSecret && secretKey.MatchString(key)) {
				add(plain)
				add(value)
				add(url.QueryEscape(plain))
			}
		}
		withoutLogin := src
		withoutLogin.User, withoutLogin.Password = "", ""
		replacements[withoutLogin.WithCredentials()] = withoutLogin.String()
	}
	// Longer secrets first: one may be the beginning of another.
	var pairs []string
	r := Redactor{}
	for _, secret := range slices.SortedFunc(maps.Keys(replacements), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) }) {
		pairs = append(pairs, secret, replacements[secret])
		r.maxSecretBytes = max(r.maxSecretBytes, len(secret))
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

// Redact returns the text with "***" in place of each secret.
func (r Redactor) Redact(text string) string { return r.replacer.Replace(text) }

// MaxSecretBytes returns the length of the longest secret.
func (r Redactor) MaxSecretBytes() int { return r.maxSecretBytes }
