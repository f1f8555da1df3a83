package sourceurl

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestParseReadsEveryKind(t *testing.T) {
	address := func(s string) url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return *u
	}
	for _, c := range []struct {
		in    string
		want  Source
		shown string // "" means in
	}{
		{"test://", Source{Kind: Test, Size: Size{1280, 720}, FPS: 30}, "test://?size=1280x720&fps=30"},
		{"TEST:///?fps=0.5&size=16x8192", Source{Kind: Test, Size: Size{16, 8192}, FPS: 0.5}, "test://?size=16x8192&fps=0.5"},
		{"/dev/video0", Source{Kind: Device, Path: "/dev/video0"}, ""},
		{"/dev/shm/clip.mp4", Source{Kind: File, Path: "/dev/shm/clip.mp4"}, ""},
		{"/dev/v4l/../video0", Source{Kind: Device, Path: "/dev/video0"}, "/dev/video0"},
		{"file:///dev/video1", Source{Kind: Device, Path: "/dev/video1"}, "/dev/video1"},
		{"/srv/a clip#1.mp4", Source{Kind: File, Path: "/srv/a clip#1.mp4"}, ""},
		{"clips/user@home.mp4", Source{Kind: File, Path: "clips/user@home.mp4"}, ""},
		{"12:30.mp4", Source{Kind: File, Path: "12:30.mp4"}, ""},
		{"file://clip.mp4", Source{Kind: File, Path: "clip.mp4"}, "clip.mp4"},
		{"rtsp://h", Source{Kind: RTSP, URL: address("rtsp://h")}, ""},
		{"RTSPS://[::1]:322/a", Source{Kind: RTSP, URL: address("rtsps://[::1]:322/a")}, "rtsps://[::1]:322/a"},
		{"rtsp://u:p%40%23@h:554/a?b=c", Source{Kind: RTSP, URL: address("rtsp://h:554/a?b=c"), User: "u", Password: "p@#"}, "rtsp://u@h:554/a?…"},
		{"https://u@h/a%40b", Source{Kind: HTTP, URL: address("https://h/a%40b"), User: "u"}, ""},
		{"HTTPS+poll://u:p@h/a?b", Source{Kind: Poll, URL: address("https+poll://h/a?b"), User: "u", Password: "p"}, "https+poll://u@h/a?…"},
		{"http://:p@h/", Source{Kind: HTTP, URL: address("http://h/"), Password: "p"}, "http://h/"},
		{
			"rtsp://h/user=admin&password=p&channel=1", Source{Kind: RTSP, URL: address("rtsp://h/user=admin&password=p&channel=1")},
			"rtsp://h/user=admin&password=…",
		},
	} {
		got, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got != c.want {
			t.Errorf("%s: got %s %+v", c.in, got.Kind, got)
		}
		if c.shown == "" {
			c.shown = c.in
		}
		if got.String() != c.shown {
			t.Errorf("%s: shown as %s, want %s", c.in, got, c.shown)
		}
	}
}

func TestParseRefusesInvalidSources(t *testing.T) {
	notURL := func(kind string) string {
		return "not a valid " + kind + " URL: write it as " + kind + "://host/path, and percent-encode special characters in user and " +
			"password (@ is %40, : is %3A, / is %2F, # is %23)"
	}
	const known = ": camd reads test://, rtsp://, rtsps://, http://, https://, http+poll://, https+poll://, file://, /dev/videoN and file paths"
	const neither = "source is neither a URL nor a path: write a URL such as rtsp://host/path, or a path that begins with / or ./"
	address := func(a string) string {
		return fmt.Sprintf("source begins with an IP address and has no scheme: write rtsp://%s/PATH or http://%[1]s/PATH, with the path from the camera's manual", a)
	}
	for in, want := range map[string]string{
		"":                     "source is empty",
		"/srv/a\nb":            "source contains a control character",
		"0":                    `source "0" is only a number: write /dev/video0 for a V4L2 device`,
		"video0":               `source "video0" is not a path: write /dev/video0 for the V4L2 device, or ./video0 for a file of that name`,
		"10.0.0.5":             address("10.0.0.5"),
		"10.0.0.5:554/live":    address("10.0.0.5:554"),
		"viewer@10.0.0.5/a":    address("10.0.0.5"),
		"fe80::1":              address("[fe80::1]"),
		"[fe80::1]:554/a":      address("[fe80::1]:554"),
		"file://":              "file:// needs a path, such as file:///srv/clip.mp4",
		"rtps://h/a":           `unknown kind of source "rtps://": did you mean "rtsp://"?`,
		"rtsp//h/a":            neither,
		"ftp://h/a":            `unknown kind of source "ftp://"` + known,
		"u:p://h":              `unknown kind of source "://"` + known,
		"rtsp:/h/a":            neither,
		"u:p@h/a":              neither,
		"rtsp://":              notURL("rtsp"),
		"rtsp:///a":            notURL("rtsp"),
		"http+poll:///a":       notURL("http+poll"),
		"http+poll:/h/a":       neither,
		"http://u:p#q@h/":      notURL("http"),
		"http://h/a@b":         notURL("http"),
		"http://h:0/":          "the port must be a number from 1 to 65535",
		"http://h:65536/":      "the port must be a number from 1 to 65535",
		"test://x":             `test:// must have no name, has "x": write it as test://?size=1280x720&fps=30`,
		"test://?sice=1x1":     `test://: unknown parameter "sice": use size or fps`,
		"test://?size=1x":      `test://: size must be WIDTHxHEIGHT in pixels, such as 1280x720, is "1x"`,
		"test://?size=-1x5":    `test://: size must be WIDTHxHEIGHT in pixels, such as 1280x720, is "-1x5"`,
		"test://?size=15x16":   "test://: size must be from 16x16 to 8192x8192, is 15x16",
		"test://?size=16x8193": "test://: size must be from 16x16 to 8192x8192, is 16x8193",
		"test://?fps=0":        `test://: fps must be a number from 0.001 to 1000, is "0"`,
		"test://?fps=NaN":      `test://: fps must be a number from 0.001 to 1000, is "NaN"`,
		"test://?fps=1e-300":   `test://: fps must be a number from 0.001 to 1000, is "1e-300"`,
		"test://?fps=1001":     `test://: fps must be a number from 0.001 to 1000, is "1001"`,
		"test://?%":            `test://: invalid URL escape "%"`,
	} {
		if got, err := Parse(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want %s", in, got, err, want)
		}
	}
}

// A file name that looks like a device or an address is a file if a folder precedes it, also in the text for the capture process.
func TestFileWithFolderIsNoDeviceOrAddress(t *testing.T) {
	for _, name := range []string{"video0", "10.0.0.5", "0", "rtsp:a"} {
		src, err := Parse("./" + name)
		if err != nil || src.Kind != File || src.Path != name {
			t.Errorf("./%s: got %s %q, %v", name, src.Kind, src.Path, err)
			continue
		}
		if again, err := Parse(src.WithCredentials()); err != nil || again != src {
			t.Errorf("./%s: read again as %+v, %v", name, again, err)
		}
	}
}

// A password is never printed, also if its URL is wrong.
func TestPasswordsAreNeverPrinted(t *testing.T) {
	const canary = "can4ry"
	for _, password := range passwords(canary) {
		for _, form := range []string{
			"rtsp://user:%s@host/path", "rtsps://user:%s@host:322/a/b?c=d", "http://user:%s@host", "https://:%s@[::1]:1/",
			"HTTP://user:%s@host/@", "http+poll://user:%s@host/a", "http+poll:user:%s@host/a", "rtsp:/user:%s@host/", "rtsp:user:%s@host", "http:user:%s@host/a", "user:%s@host/path", "user:%s://host",
			"rtspp://user:%s@host/", "//user:%s@host/", "rtsp://host/?user=a&pwd=%s", "rtsp://host/user=a&password=%s&x=1",
			"http://user:%s@", "rtsp://user:%s@host:port/", "rtsp://user:%s@ho st/", "rtsp://user:%s@host/%%zz",
		} {
			in := fmt.Sprintf(form, password)
			src, err := Parse(in)
			shown := printedForms(t, src)
			if err != nil {
				shown = append(shown, err.Error())
			}
			if i := slices.IndexFunc(shown, func(s string) bool { return strings.Contains(s, canary) }); i >= 0 {
				t.Errorf("%s: shows %s", in, shown[i])
			}
		}
	}
}

// passwords returns canary with every character around it that has a meaning in a URL.
func passwords(canary string) []string {
	all := []string{canary}
	for _, special := range []string{"#", "@", "/", "?", ":", "%", "%zz", "&", "=", " ", "\\", "[", "]", "://", "\x00", "é", "+", ";", "<", `"`, "^", "|", "{"} {
		all = append(all, special+canary, canary+special, "12"+special+canary, "12"+special+canary+special+"34", "1@2"+special+canary)
	}
	return all
}

// printedForms returns all texts as which a source can be printed.
func printedForms(t *testing.T, src Source) []string {
	t.Helper()
	text, err1 := json.Marshal(src)
	nested, err2 := json.Marshal(map[string]any{"camera": &src})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	all := []string{src.String(), string(text), string(nested)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		all = append(all, fmt.Sprintf(verb, src), fmt.Sprintf(verb, &src), fmt.Sprintf(verb, []Source{src}))
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"test://?size=1280x720&fps=30", "/dev/video0", "rtsp://u:p@h:554/a?b=c", "https://[::1%25lo]/", "http+poll://u:p@h/a", "file:///a", "a.mp4", "rtsp://u:%41@h/%2f?#",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		src, err := Parse(s)
		if err != nil {
			return
		}
		if src.Kind == File || src.Kind == Device {
			return
		}
		again, err := Parse(src.WithCredentials())
		if err != nil || again.WithCredentials() != src.WithCredentials() {
			t.Errorf("%q: its address %q is read as %q, %v", s, src.WithCredentials(), again.WithCredentials(), err)
		}
		// The printed source does not depend on the password.
		other := src
		if other.Password = "another"; other.String() != src.String() {
			t.Errorf("%q: password in %s", s, src)
		}
	})
}
