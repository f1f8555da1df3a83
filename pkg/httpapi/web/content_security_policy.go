package web

import (
	"slices"
	"strings"
)

// ContentSecurityPolicy is a Content-Security-Policy header.
type ContentSecurityPolicy string

// basePolicy lets the pages load only what camd serves, and play video from the buffers of Media Source Extensions, which have blob: addresses. The origins that may show them in a frame are appended.
const basePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; media-src blob:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors "

// NewContentSecurityPolicy returns the policy of the pages. frameAncestors lists the origins that may show them in a frame; self is this server. If it
// is only none, no page may.
func NewContentSecurityPolicy(frameAncestors []string) ContentSecurityPolicy {
	if slices.Equal(frameAncestors, []string{"none"}) {
		return basePolicy + "'none'"
	}
	others := slices.DeleteFunc(slices.Clone(frameAncestors), func(origin string) bool { return origin == "self" })
	return ContentSecurityPolicy(basePolicy + strings.Join(append([]string{"'self'"}, others...), " "))
}

// withForms returns the policy for a page with a form that is sent to this server.
func (c ContentSecurityPolicy) withForms() ContentSecurityPolicy {
	return ContentSecurityPolicy(strings.Replace(string(c), "form-action 'none'", "form-action 'self'", 1))
}
