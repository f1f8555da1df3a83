package source

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// secrets are what a capture process knows and nobody else is to hear. It repeats what its camera says, and a camera may say
// what it was sent: in a header, in the reason it gives for a refusal.
type secrets struct {
	replacer *strings.Replacer
	longest  int // bytes of one
}

// leastValue is how long a value in a query must be to be hidden by itself. Shorter ones are numbers of channels and the like, and
// would take half of every line with them.
const leastValue = 6

// secretsOf lists what is secret of what a process was told: the password as it stands, as a URL has it and as a Basic
// Authorization has it, and the address' query and its values, where cameras often take another.
func secretsOf(start wire.Start) secrets {
	found := map[string]string{} // to what stands for it
	hide := func(secret string) {
		if secret != "" {
			found[secret] = "***"
		}
	}
	if start.Password != "" {
		hide(start.Password)
		hide(strings.TrimPrefix(url.UserPassword("", start.Password).String(), ":"))
		hide(url.QueryEscape(start.Password))
		hide(url.PathEscape(start.Password))
		basic := start.User + ":" + start.Password
		hide(base64.StdEncoding.EncodeToString([]byte(basic)))
		hide(base64.URLEncoding.EncodeToString([]byte(basic)))
	}
	if src, err := spec.Parse(start.Source); err == nil && src.Network() {
		hide(src.URL.RawQuery)
		for piece := range strings.SplitSeq(src.URL.RawQuery, "&") {
			_, value, _ := strings.Cut(piece, "=")
			if plain, err := url.QueryUnescape(value); err == nil && len(plain) >= leastValue {
				hide(plain)
				hide(value)
				hide(url.QueryEscape(plain))
			}
		}
		found[start.Source] = src.String()
	}
	// The longer ones first: one may be the beginning of another.
	var pairs []string
	s := secrets{}
	for _, secret := range slices.SortedFunc(maps.Keys(found), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) }) {
		pairs = append(pairs, secret, found[secret])
		s.longest = max(s.longest, len(secret))
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// hide returns a text without the secrets.
func (s secrets) hide(text string) string { return s.replacer.Replace(text) }

// hideIn takes the secrets out of what a process says in messages.
func (s secrets) hideIn(e event) event {
	switch e := e.(type) {
	case opened:
		e.Backend, e.Codec, e.Note = s.hide(e.Backend), s.hide(e.Codec), s.hide(e.Note)
		return e
	case ended:
		return ended{e.reason, s.hide(e.detail)}
	case lost:
		e.complaint.detail = s.hide(e.complaint.detail)
		return e
	}
	return e
}
