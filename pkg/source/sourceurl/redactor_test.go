package sourceurl

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestRedactRemovesSecrets(t *testing.T) {
	src, err := Parse("http://viewer:p%40ss%20word@host/x?token=abc123&channel=1&PWD=xyz")
	if err != nil {
		t.Fatal(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("viewer:p@ss word"))
	r := NewRedactor(src)
	// A server or library may put any of these into its message.
	for _, text := range []string{"p@ss word", "p%40ss%20word", "p%40ss+word", "?token=abc123&channel=1&PWD=xyz", "got abc123", "got xyz", "http://host/x?token=abc123&channel=1&PWD=xyz", "Basic " + basic} {
		if got := r.Redact(text); strings.Contains(got, "ss") || strings.Contains(got, "abc123") || strings.Contains(got, "xyz") || strings.Contains(got, basic) {
			t.Errorf("%q: got %q", text, got)
		}
	}
	if got, want := r.Redact("no frame 1 of host"), "no frame 1 of host"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := r.MaxSecretBytes(); got < len(basic) {
		t.Errorf("got a longest secret of %d bytes, want at least %d", got, len(basic))
	}
}

func TestRedactKeepsOrdinaryText(t *testing.T) {
	for source, text := range map[string]string{
		"rtsp://host/media.amp?videocodec=h264":   "h264",
		"rtsp://host/live?codec=0&channel=1":      "no picture for 10s (RTSP 400)",
		"http://host/video?keyframe=100&signal=5": "the server answered 500 after 100 ms",
		"http://host/video?u=admin&p=12":          "12 frames",
	} {
		src, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := NewRedactor(src).Redact(text); got != text {
			t.Errorf("%s: got %q, want %q", source, got, text)
		}
	}
	src, err := Parse("http://host/video?u=admin&p=1234")
	if err != nil {
		t.Fatal(err)
	}
	if got := NewRedactor(src).Redact("wrong password 1234"); strings.Contains(got, "1234") {
		t.Errorf("got %q", got)
	}
}
