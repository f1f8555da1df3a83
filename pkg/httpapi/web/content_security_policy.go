package web

import (
	"slices"
	"strings"
)

// Policy is a Content-Security-Policy header.
type Policy string

// basePolicy lets the pages load what camd serves and nothing else. The origins that may have them in a frame follow.
const basePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors "

// NewPolicy returns the policy of pages that others may have in a frame: those of the origins, where self stands for this server, or
// of nobody if frameAncestors is none alone.
func NewPolicy(frameAncestors []string) Policy {
	if slices.Equal(frameAncestors, []string{"none"}) {
		return basePolicy + "'none'"
	}
	others := slices.DeleteFunc(slices.Clone(frameAncestors), func(origin string) bool { return origin == "self" })
	return Policy(basePolicy + strings.Join(append([]string{"'self'"}, others...), " "))
}

// withForms returns the policy of a page whose forms are sent to this server.
func (p Policy) withForms() Policy {
	return Policy(strings.Replace(string(p), "form-action 'none'", "form-action 'self'", 1))
}
