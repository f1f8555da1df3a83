package arch

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plainWords lists words and phrases that readers had to read twice, each with a plain one for its place.
var plainWords = []struct{ avoid, use string }{
	{"anew", "again"},
	{"whom", "the user that"},
	{"whoever", "everyone who"},
	{"likewise", "the same"},
	{"farewell", "the last message"},
	{"what there is", "the name of the thing"},
	{"comes round", "completes a loop"},
	{"is another now", "has changed"},
	{"wants to be told", "needs"},
	{"tells of", "reports"},
	{"at hand", "available"},
	{"a say in", "a choice of"},
	{"who may come in", "who has access"},
	{"everybody may", "everyone can"},
	{"may everything", "has full access"},
	{"of which", "and their"},
	{"sees to", "handles"},
	{"vouch", "verify"},
	{"is taken for", "counts as"},
	{"who comes", "the client"},
	{"so many", "that number of"},
	{"for so long", "for this time"},
	{"mend", "fix"},
	{"those who", "the users that"},
	{"of no use", "useless"},
	{"switched off", "turned off"},
}

// Documents, comments, messages and pages do not use words that a reader whose second language is English has to look up.
func TestTextsUsePlainWords(t *testing.T) {
	// The changelog quotes old names. Licences and libraries are texts of other people, and the fuzz corpora are inputs.
	isExempt := func(file string) bool {
		return file == "CHANGELOG.md" || file == "internal/arch/words_test.go" || strings.Contains(file, "/testdata/") || strings.Contains(file, "uplot") || file == "go.sum"
	}
	kinds := []string{".md", ".go", ".js", ".html", ".css", ".yaml", ".yml", ".service", ".socket", ".json", ".c", ".h", ""}
	patterns := make([]*regexp.Regexp, len(plainWords))
	for i, w := range plainWords {
		patterns[i] = regexp.MustCompile(`(?i)\b` + strings.ReplaceAll(w.avoid, " ", `\s+`) + `\b`)
	}
	for _, file := range trackedFiles(t) {
		if isExempt(file) || !slices.Contains(kinds, path.Ext(file)) {
			continue
		}
		text, err := os.ReadFile(path.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for i, pattern := range patterns {
			for _, at := range pattern.FindAllIndex(text, -1) {
				t.Errorf("%s:%d: %q: write %q or another plain word", file, 1+strings.Count(string(text[:at[0]]), "\n"), text[at[0]:at[1]], plainWords[i].use)
			}
		}
	}
}
