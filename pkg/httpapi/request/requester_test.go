package request

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitizeTextBoundsText(t *testing.T) {
	for _, c := range []struct{ name, sent, want string }{
		{"none", "", ""},
		{"plain", "VLC/3.0.20 LibVLC/3.0.20", "VLC/3.0.20 LibVLC/3.0.20"},
		{"long", strings.Repeat("a", 5000), strings.Repeat("a", maxTextLength)},
		{"a character at the cut", strings.Repeat("a", maxTextLength-1) + "é", strings.Repeat("a", maxTextLength-1)},
		{"no UTF-8", "cam\xff\xe9ra", "cam\uFFFD\uFFFDra"},
		{"no UTF-8, and longer as text", strings.Repeat("\xff", maxTextLength), strings.Repeat("\uFFFD", maxTextLength/3)},
		{"turns text around", "a\u202Eb\tc", "a\uFFFDb\uFFFDc"},
	} {
		got := SanitizeText(c.sent)
		if got != c.want || len(got) > maxTextLength || !utf8.ValidString(got) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
