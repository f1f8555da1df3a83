// Package sourceurl parses the string that names a camera's source. It does not open the source. The kinds are:
//
//	test://?size=1280x720&fps=30         a generated picture
//	/dev/video0, /dev/v4l/by-id/…        a V4L2 capture device
//	rtsp://user:password@host/path       a network camera; also rtsps://
//	http://host/stream.mjpg              an HTTP MJPEG stream; also https://
//	http+poll://host/snapshot.jpg        a picture that is fetched again and again; also https+poll://
//	/path/to/video.mp4, file:///path     a file, played at its own rate
package sourceurl

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Kind is the kind of a source.
type Kind string

const (
	Test   Kind = "test"
	Device Kind = "device"
	File   Kind = "file"
	RTSP   Kind = "rtsp"
	HTTP   Kind = "http"
	Poll   Kind = "poll"
)

// Source is a parsed source string. Printing or marshalling it gives the result of String, without the password.
type Source struct {
	Kind Kind
	Path string  // Device and File: the path
	URL  url.URL // RTSP, HTTP and Poll: the address without user and password
	User string  // RTSP, HTTP and Poll

	Password string // RTSP, HTTP and Poll; String never shows it

	Size Size    // Test: the picture's size
	FPS  float64 // Test: frames per second
}

// Size is a picture's size in pixels.
type Size struct{ Width, Height int }

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// MaxSide is the largest width or height that a JPEG can have (ITU-T T.81, B.2.2).
const MaxSide = 65535

// MinFPS and MaxFPS bound the rates that a configuration may have.
const (
	MinFPS = 0.001
	MaxFPS = 1000
)

// ParseSize parses a size such as "1280x720".
func ParseSize(s string) (Size, error) {
	w, h, ok := strings.Cut(s, "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !ok || cmp.Or(err1, err2) != nil || min(width, height) < 1 || max(width, height) > MaxSide {
		return Size{}, fmt.Errorf("size must be WIDTHxHEIGHT in pixels, such as 1280x720, is %q", s)
	}
	return Size{width, height}, nil
}

// Parse parses a source string. Its errors never contain a user or password.
func Parse(s string) (Source, error) {
	scheme, rest, isURL := strings.Cut(s, "://")
	switch {
	case s == "":
		return Source{}, errors.New("source is empty")
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Source{}, errors.New("source contains a control character")
	case !isURL:
		return parsePath(s)
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "test":
		return parseTest(rest)
	case "file":
		return parsePath(rest)
	case "rtsp", "rtsps":
		return parseURL(RTSP, scheme+"://"+rest)
	case "http", "https":
		return parseURL(HTTP, scheme+"://"+rest)
	case "http+poll", "https+poll":
		return parseURL(Poll, scheme+"://"+rest)
	}
	if !isScheme(scheme) {
		scheme = "" // not repeated: it may be a part of a password
	}
	if intended := intendedSchemes[scheme]; intended != "" {
		return Source{}, fmt.Errorf("unknown kind of source %q: did you mean %q?", scheme+"://", intended+"://")
	}
	return Source{}, fmt.Errorf("unknown kind of source %q: camd reads test://, rtsp://, rtsps://, http://, https://, "+
		"http+poll://, https+poll://, file://, /dev/videoN and file paths", scheme+"://")
}

// isScheme reports whether s has only characters that a scheme may have (RFC 3986, section 3.1).
func isScheme(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
	})
}

// intendedSchemes are schemes for common typing errors and for words of other programs.
var intendedSchemes = map[string]string{
	"rtps": "rtsp", "rstp": "rtsp", "rtp": "rtsp", "rtspt": "rtsp", "rtspu": "rtsp", "rtpss": "rtsps",
	"htp": "http", "htpp": "http", "hhtp": "http", "htps": "https", "htpps": "https",
}

// incompleteURL matches strings that are meant as URLs but would be read as paths: "rtsp:/host", "rtsp//host", "user:password@host".
var incompleteURL = regexp.MustCompile(`^(?i:test|rtsps?|https?(\+poll)?|file)(:|//)|^(//)?[^/]*:.*@`)

// deviceName matches a V4L2 device without its folder.
var deviceName = regexp.MustCompile(`^video\d+$`)

func parsePath(path string) (Source, error) {
	if _, err := strconv.Atoi(path); err == nil {
		return Source{}, fmt.Errorf("source %q is only a number: write /dev/video%s for a V4L2 device", path, path)
	}
	if deviceName.MatchString(path) {
		return Source{}, fmt.Errorf("source %q is not a path: write /dev/%s for the V4L2 device, or ./%[1]s for a file of that name", path, path)
	}
	if ip, found := leadingAddress(path); found {
		return Source{}, fmt.Errorf("source begins with an IP address and has no scheme: write rtsp://%s/PATH or http://%[1]s/PATH, "+
			"with the path from the camera's manual", ip)
	}
	if path == "" {
		return Source{}, errors.New("file:// needs a path, such as file:///srv/clip.mp4")
	}
	if incompleteURL.MatchString(path) {
		return Source{}, errors.New("source is neither a URL nor a path: write a URL such as rtsp://host/path, or a path that begins " +
			"with / or ./")
	}
	path = filepath.Clean(path)
	if strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/dev/shm/") { // /dev/shm has ordinary files
		return Source{Kind: Device, Path: path}, nil
	}
	return Source{Kind: File, Path: path}, nil
}

// leadingAddress returns the IP address that a path begins with, with its port, if there is one. It leaves out a user before it.
func leadingAddress(path string) (address string, found bool) {
	first, _, _ := strings.Cut(path, "/")
	address = first[strings.LastIndex(first, "@")+1:]
	if a, err := netip.ParseAddrPort(address); err == nil {
		return a.String(), a.Addr().Zone() == ""
	}
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if ip.Is6() {
		return "[" + ip.String() + "]", ip.Zone() == ""
	}
	return address, err == nil
}

func parseTest(rest string) (Source, error) {
	src := Source{Kind: Test, Size: Size{1280, 720}, FPS: 30}
	name, query, _ := strings.Cut(rest, "?")
	if name != "" && name != "/" {
		return Source{}, fmt.Errorf("test:// must have no name, has %q: write it as test://?size=1280x720&fps=30", name)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Source{}, fmt.Errorf("test://: %w", err)
	}
	for key, vs := range values {
		v := vs[len(vs)-1]
		switch key {
		case "size":
			if src.Size, err = ParseSize(v); err != nil {
				return Source{}, fmt.Errorf("test://: %w", err)
			}
			if max(src.Size.Width, src.Size.Height) > 8192 || min(src.Size.Width, src.Size.Height) < 16 {
				return Source{}, fmt.Errorf("test://: size must be from 16x16 to 8192x8192, is %s", v)
			}
		case "fps":
			if src.FPS, err = strconv.ParseFloat(v, 64); err != nil || !(src.FPS >= MinFPS && src.FPS <= MaxFPS) {
				return Source{}, fmt.Errorf("test://: fps must be a number from %v to %v, is %q", MinFPS, MaxFPS, v)
			}
		default:
			return Source{}, fmt.Errorf("test://: unknown parameter %q: use size or fps", key)
		}
	}
	return src, nil
}

func parseURL(kind Kind, s string) (Source, error) {
	u, err := url.Parse(s)
	// The library's error repeats what it could not parse, which may be part of a password. A fragment or a late @ is most likely
	// a part of a password, too, which the library read as syntax.
	if err != nil || u.Hostname() == "" || !roundTrips(u) || u.Fragment != "" || strings.Contains(u.EscapedPath(), "@") ||
		u.Path == "" && strings.Contains(u.RawQuery, "@") {
		scheme := string(kind)
		if kind == Poll {
			scheme = "http+poll"
		}
		return Source{}, fmt.Errorf("not a valid %s URL: write it as %s://host/path, and percent-encode special characters in user "+
			"and password (@ is %%40, : is %%3A, / is %%2F, # is %%23)", scheme, scheme)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return Source{}, errors.New("the port must be a number from 1 to 65535")
		}
	}
	src := Source{Kind: kind, URL: *u}
	if u.User != nil {
		src.User = u.User.Username()
		src.Password, _ = u.User.Password()
		src.URL.User = nil
	}
	return src, nil
}

// roundTrips reports whether parsing the URL's text gives the same URL. The library accepts bytes in the zone of an IPv6 address that it
// does not write.
func roundTrips(u *url.URL) bool {
	again, err := url.Parse(u.String())
	return err == nil && again.String() == u.String()
}

// IsTLS reports whether the source is read over TLS.
func (s Source) IsTLS() bool {
	return s.URL.Scheme == "rtsps" || s.URL.Scheme == "https" || s.URL.Scheme == "https+poll"
}

// IsNetwork reports whether the source is reached over a network.
func (s Source) IsNetwork() bool { return s.Kind == RTSP || s.Kind == HTTP || s.Kind == Poll }
