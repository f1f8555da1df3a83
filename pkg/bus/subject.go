package bus

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultPrefix is of all subjects, unless an option says otherwise.
const DefaultPrefix = "camd"

// namePattern is what a site, a camera and a rendition may be called: one token of a subject by construction, since NATS parts them
// by dots and gives meaning to * and >.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// tokenPattern is one of a prefix, whose names may come from elsewhere in an organisation.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

var errName = errors.New("want letters a-z, digits and hyphens, at most 63, the first no hyphen")

// CheckSite says what is wrong with a site's name; nil if nothing is.
func CheckSite(site string) error {
	if !namePattern.MatchString(site) {
		return errName
	}
	return nil
}

// CheckPrefix says what is wrong with a prefix of subjects; nil if nothing is.
func CheckPrefix(prefix string) error {
	tokens := strings.Split(prefix, ".")
	for _, t := range tokens {
		if !tokenPattern.MatchString(t) {
			return fmt.Errorf("%q is no token of a subject: want letters, digits, - and _, and dots between tokens", t)
		}
	}
	if len(tokens) > 8 {
		return fmt.Errorf("%d tokens, want at most 8", len(tokens))
	}
	return nil
}

// subjects makes the names under which messages go.
type subjects struct{ prefix string }

func (s subjects) discovery() string                  { return s.prefix }
func (s subjects) site(site string) string            { return s.prefix + "." + site }
func (s subjects) announceRequest(site string) string { return s.prefix + "." + site + ".ask" }
func (s subjects) interest(site string) string        { return s.prefix + "." + site + ".want" }

func (s subjects) frames(site, camera, rendition string) string {
	return s.prefix + "." + site + "." + camera + "." + rendition
}

// siteOf returns the site whose announcement a message on a subject is; ok is false if it is none.
func (s subjects) siteOf(subject string) (site string, ok bool) {
	site, ok = strings.CutPrefix(subject, s.prefix+".")
	return site, ok && namePattern.MatchString(site)
}
