package arch

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// trackedFiles returns the files that git has, relative to the module.
func trackedFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"ls-files", "-z", "--"}, patterns...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("not a git clone: %v\n%s", err, stderrOf(err))
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(name string) bool {
		_, err := os.Stat("../../" + name)
		return name == "" || err != nil // deleted, and not yet committed
	})
}

var (
	// Vendored files and recorded input stay as they are.
	foreignText        = regexp.MustCompile(`^pkg/httpapi/.*/uplot\.|^test/e2e/testdata/axe\.min\.js$|/testdata/fuzz/`)
	indentedByTwo      = regexp.MustCompile(`\.(js|css|html|json|ya?ml)$`)
	trailingWhitespace = regexp.MustCompile(`(?m)[ \t\r]+$`)
	leadingTab         = regexp.MustCompile(`(?m)^ *\t`)
)

func TestTextFilesFollowEditorconfig(t *testing.T) {
	for _, name := range trackedFiles(t) {
		if foreignText.MatchString(name) {
			continue
		}
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 || bytes.IndexByte(text, 0) >= 0 { // a picture
			continue
		}
		if at := trailingWhitespace.FindIndex(text); at != nil {
			t.Errorf("%s:%d: white space or a carriage return at the end of the line", name, lineAt(text, at[0]))
		}
		if at := leadingTab.FindIndex(text); at != nil && indentedByTwo.MatchString(name) {
			t.Errorf("%s:%d: the line begins with a tab; indent with two spaces", name, lineAt(text, at[0]))
		}
		if text[len(text)-1] != '\n' {
			t.Errorf("%s: no newline at the end of the file", name)
		}
	}
}

func lineAt(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

var (
	markdownCode = regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$|`[^`\n]*`")
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestLinksOfDocumentsResolve(t *testing.T) {
	for _, name := range trackedFiles(t, "*.md") {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range markdownLink.FindAllSubmatch(markdownCode.ReplaceAll(text, nil), -1) {
			if target := string(link[1]); !strings.Contains(target, "://") && !resolves(name, target) {
				t.Errorf("%s: the link to %s leads nowhere", name, target)
			}
		}
	}
}

// resolves reports whether a link in a document leads to a file or folder, and to a heading in it if it names one.
func resolves(document, target string) bool {
	file, anchor, hasAnchor := strings.Cut(target, "#")
	if file == "" {
		file = path.Base(document)
	}
	found := filepath.Join("../..", path.Dir(document), file)
	if !hasAnchor {
		_, err := os.Stat(found)
		return err == nil
	}
	text, err := os.ReadFile(found)
	return err == nil && slices.ContainsFunc(heading.FindAllStringSubmatch(string(text), -1), func(m []string) bool {
		return anchorOf(m[1]) == anchor
	})
}

// anchorOf returns the anchor that GitHub gives a heading.
func anchorOf(title string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}
