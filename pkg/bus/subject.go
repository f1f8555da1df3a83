package bus

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultPrefix is the prefix of all subjects if Options.Prefix is empty.
const DefaultPrefix = "camd"

// namePattern matches the names of sites, cameras and renditions. A match is always one token of a NATS subject, because it has no
// dot, * or >.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// tokenPattern matches one token of a prefix. It allows more than namePattern, because an organisation may have named its subjects.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

var errName = errors.New(`must be 1 to 63 of a-z, 0-9 and "-", not "-" first`)

// CheckSite returns what is wrong with a site's name, or nil.
func CheckSite(site string) error {
	if !namePattern.MatchString(site) {
		return errName
	}
	return nil
}

// CheckPrefix returns what is wrong with a prefix of subjects, or nil.
func CheckPrefix(prefix string) error {
	tokens := strings.Split(prefix, ".")
	for _, t := range tokens {
		if !tokenPattern.MatchString(t) {
			return fmt.Errorf(`%q cannot be part of a NATS subject: must be 1 to 63 letters, digits, "-" and "_", with dots between the parts`, t)
		}
	}
	if len(tokens) > 8 {
		return fmt.Errorf("must be at most 8 parts with dots between them, is %d", len(tokens))
	}
	return nil
}

// subjects makes the subjects of messages.
type subjects struct{ prefix string }

func (s subjects) discovery() string                  { return s.prefix }
func (s subjects) site(site string) string            { return s.prefix + "." + site }
func (s subjects) announceRequest(site string) string { return s.prefix + "." + site + ".ask" }
func (s subjects) interest(site string) string        { return s.prefix + "." + site + ".want" }

func (s subjects) frames(site, camera, rendition string) string {
	return s.prefix + "." + site + "." + camera + "." + rendition
}

// siteOf returns the site of an announcement's subject. ok is false if the subject is not one of announcements.
func (s subjects) siteOf(subject string) (site string, ok bool) {
	site, ok = strings.CutPrefix(subject, s.prefix+".")
	return site, ok && namePattern.MatchString(site)
}
