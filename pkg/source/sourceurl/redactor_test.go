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
