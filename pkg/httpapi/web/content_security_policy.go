package web

import (
	"slices"
	"strings"
)

// Policy is a Content-Security-Policy header.
type Policy string

// basePolicy lets the pages load only what camd serves. The origins that may show them in a frame are appended.
const basePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors "

// NewPolicy returns the policy of the pages. frameAncestors lists the origins that may show them in a frame; self is this server. If it
// is only none, no page may.
func NewPolicy(frameAncestors []string) Policy {
	if slices.Equal(frameAncestors, []string{"none"}) {
		return basePolicy + "'none'"
	}
	others := slices.DeleteFunc(slices.Clone(frameAncestors), func(origin string) bool { return origin == "self" })
	return Policy(basePolicy + strings.Join(append([]string{"'self'"}, others...), " "))
}

// withForms returns the policy for a page with a form that is sent to this server.
func (p Policy) withForms() Policy {
	return Policy(strings.Replace(string(p), "form-action 'none'", "form-action 'self'", 1))
}
