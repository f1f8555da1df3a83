package sourceurl

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// pathPassword finds a password as some recorders want it, in the path: rtsp://host/user=admin&password=secret&channel=1.
// Nobody can tell where it ends.
var pathPassword = regexp.MustCompile(`(?i)(pass|password|passwd|pwd)=.+`)

// String is the source for people and logs: without password, and without the query of a URL, where cameras often take
// a second one.
func (s Source) String() string {
	switch s.Kind {
	case Test:
		return fmt.Sprintf("test://?size=%s&fps=%v", s.Size, s.FPS)
	case Device, File:
		return s.Path
	}
	u := s.URL
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	if s.User != "" {
		u.User = url.User(s.User)
	}
	if pathPassword.MatchString(u.Path) {
		u.Path, u.RawPath = pathPassword.ReplaceAllString(u.Path, "$1=…"), ""
	}
	return strings.ReplaceAll(u.String(), "%E2%80%A6", "…")
}

// Format prints String, whatever the verb: %#v and %+v would show the password otherwise.
func (s Source) Format(f fmt.State, verb rune) {
	if verb != 'q' {
		verb = 's'
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.String())
}

// MarshalText returns String, for JSON and YAML.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// WithCredentials is the source for the library that opens it: with user and password. Never log it.
func (s Source) WithCredentials() string {
	switch s.Kind {
	case Test:
		return s.String()
	case Device, File:
		return s.Path
	}
	u := s.URL
	if s.User != "" || s.Password != "" {
		u.User = url.UserPassword(s.User, s.Password)
	}
	return u.String()
}
