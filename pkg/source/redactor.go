package source

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// redactor hides what only a capture process may know. The process repeats what its camera says, and a camera may say
// what it was sent: in a header, in the reason it gives for a refusal.
type redactor struct {
	replacer       *strings.Replacer
	maxSecretBytes int // of the longest secret
}

// minSecretValue is how long a value in a query must be to be hidden by itself. Shorter ones are numbers of channels and the like, and
// would take half of every line with them.
const minSecretValue = 6

// newRedactor returns a redactor of what is secret in a start message: the password as it stands, as a URL has it and as a Basic
// Authorization has it, and the address' query and its values, where cameras often take another.
func newRedactor(start wire.Start) redactor {
	replacements := map[string]string{} // to what stands for it
	add := func(secret string) {
		if secret != "" {
			replacements[secret] = "***"
		}
	}
	if start.Password != "" {
		add(start.Password)
		add(strings.TrimPrefix(url.UserPassword("", start.Password).String(), ":"))
		add(url.QueryEscape(start.Password))
		add(url.PathEscape(start.Password))
		basic := start.User + ":" + start.Password
		add(base64.StdEncoding.EncodeToString([]byte(basic)))
		add(base64.URLEncoding.EncodeToString([]byte(basic)))
	}
	if src, err := sourceurl.Parse(start.Source); err == nil && src.IsNetwork() {
		add(src.URL.RawQuery)
		for piece := range strings.SplitSeq(src.URL.RawQuery, "&") {
			_, value, _ := strings.Cut(piece, "=")
			if plain, err := url.QueryUnescape(value); err == nil && len(plain) >= minSecretValue {
				add(plain)
				add(value)
				add(url.QueryEscape(plain))
			}
		}
		replacements[start.Source] = src.String()
	}
	// The longer ones first: one may be the beginning of another.
	var pairs []string
	s := redactor{}
	for _, secret := range slices.SortedFunc(maps.Keys(replacements), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) }) {
		pairs = append(pairs, secret, replacements[secret])
		s.maxSecretBytes = max(s.maxSecretBytes, len(secret))
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// redact returns a text without the secrets.
func (s redactor) redact(text string) string { return s.replacer.Replace(text) }

// redactEvent takes the secrets out of what a process says in messages.
func (s redactor) redactEvent(e event) event {
	switch e := e.(type) {
	case openedEvent:
		e.Backend, e.Codec, e.Note = s.redact(e.Backend), s.redact(e.Codec), s.redact(e.Note)
		return e
	case endedEvent:
		return endedEvent{e.reason, s.redact(e.detail)}
	case workerRefusedEvent:
		e.fault.detail = s.redact(e.fault.detail)
		return e
	}
	return e
}
