package sourceurl

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// pathPassword matches a password in a path, where some recorders take it: rtsp://host/user=admin&password=secret&channel=1. It
// matches up to the end of the path, since the end of the password is unknown.
var pathPassword = regexp.MustCompile(`(?i)(pass|password|passwd|pwd)=.+`)

// String returns the source for people and logs: without the password, and without the query of a URL, where cameras often take another
// password.
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

// Format prints the result of String for every verb. Without it, %#v and %+v would print the password.
func (s Source) Format(f fmt.State, verb rune) {
	if verb != 'q' {
		verb = 's'
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.String())
}

// MarshalText returns the result of String, for JSON and YAML.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// WithCredentials returns the source with user and password, for the library that opens it. Never log it.
func (s Source) WithCredentials() string {
	switch s.Kind {
	case Test:
		return s.String()
	case File:
		if !filepath.IsAbs(s.Path) { // Parse reads some names as a device or an address
			return "./" + s.Path
		}
		return s.Path
	case Device:
		return s.Path
	}
	u := s.URL
	if s.User != "" || s.Password != "" {
		u.User = url.UserPassword(s.User, s.Password)
	}
	return u.String()
}
