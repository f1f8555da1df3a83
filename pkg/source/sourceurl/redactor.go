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

// Redactor takes a source's secrets out of texts. A camera and the libraries that read it may repeat what they were sent: in a header, in
// the reason for a refusal. The zero Redactor is not usable.
type Redactor struct {
	replacer       *strings.Replacer
	maxSecretBytes int
}

// minSecretValue is how long a value in a query must be to be hidden by itself, unless its key is a secretKey. Shorter ones are numbers of
// channels and similar, and would hide half of every line.
const minSecretValue = 6

// secretKey matches the keys in a query whose values are secrets, also those of only minShortSecret bytes.
var secretKey = regexp.MustCompile(`(?i)^(.*[_-])?(p|pw|pwd|pass|passwd|password|secret|token|auth|(api)?key|sig|signature|pin|code|session(id)?|sid)$`)

// minShortSecret is how long such a value must be. A shorter one is no secret, and would hide half of every line.
const minShortSecret = 3

// NewRedactor returns the redactor of a source. Secret are its password, as it stands, as a URL has it and as a Basic Authorization has it,
// and the query of its URL with the values in it, where cameras often take another password.
func NewRedactor(src Source) Redactor {
	replacements := map[string]string{} // to what stands for it
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
	// The longer ones first: one may be the beginning of another.
	var pairs []string
	r := Redactor{}
	for _, secret := range slices.SortedFunc(maps.Keys(replacements), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) }) {
		pairs = append(pairs, secret, replacements[secret])
		r.maxSecretBytes = max(r.maxSecretBytes, len(secret))
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

// Redact returns a text without the secrets.
func (r Redactor) Redact(text string) string { return r.replacer.Replace(text) }

// MaxSecretBytes returns the length of the longest secret.
func (r Redactor) MaxSecretBytes() int { return r.maxSecretBytes }
