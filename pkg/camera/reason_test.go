package camera

import (
	"os"
	"strings"
	"testing"
)

// Administrators look up the text of a reason in this document, as pages and placeholders show it.
func TestTroubleshootingHasTextOfEveryReason(t *testing.T) {
	document, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range Reasons {
		line := ""
		for l := range strings.Lines(string(document)) {
			if strings.HasPrefix(l, "| `") && strings.Contains(l, "`"+string(reason)+"`") && strings.Contains(strings.ToLower(l), strings.ToLower(reason.Text())) {
				line = l
			}
		}
		if line == "" {
			t.Errorf("docs/troubleshooting.md must have a line with `%s` and its text %q", reason, reason.Text())
		}
	}
}
