package arch

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that are generated from the code")

const messagesPath = "testdata/messages.txt"

// All texts that a user can read stand in one file. So a review of a change shows them without the code, in their words.
func TestMessagesAreReviewed(t *testing.T) {
	var b strings.Builder
	for _, file := range trackedFiles(t, "cmd", "internal", "pkg") {
		if texts := messagesOf(t, file); len(texts) > 0 {
			fmt.Fprintf(&b, "\n%s\n\t%s\n", file, strings.Join(texts, "\n\t"))
		}
	}
	got := strings.TrimPrefix(b.String(), "\n")
	if *update {
		if err := os.WriteFile(messagesPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(messagesPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	t.Errorf("%s: write it with go test ./internal/arch -run TestMessagesAreReviewed -update, and read the difference", firstDifference(string(want), got))
}

// firstDifference returns the first line that differs, with both texts.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < min(len(a), len(b))-1 && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%s:%d is %q, the code has %q", messagesPath, i+1, a[i], b[i])
}

// messagesOf returns the texts in a file in their order. Tests have none, nor have libraries of other people.
func messagesOf(t *testing.T, file string) []string {
	isTestSupport := strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/test") || strings.Contains(file, "/testdata/")
	if isTestSupport || foreignText.MatchString(file) {
		return nil
	}
	read := map[string]func(*testing.T, string, []byte) []string{".go": goStrings, ".js": scriptStrings, ".html": htmlTexts}[path.Ext(file)]
	if read == nil {
		return nil
	}
	source, err := os.ReadFile(path.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	pattern := sentence
	if path.Ext(file) != ".go" {
		pattern = sentenceOrLabel
	}
	var messages []string
	for _, s := range read(t, file, source) {
		if pattern.MatchString(s) {
			messages = append(messages, strings.Trim(strconv.Quote(strings.TrimSpace(s)), `"`))
		}
	}
	return messages
}

// sentence matches two words. A label in a page may be one word.
var (
	sentence        = regexp.MustCompile(`\pL{2,}[,:;.]? [\pL%]`)
	sentenceOrLabel = regexp.MustCompile(sentence.String() + `|^[A-Z][a-z]{2,}$`)
)

func goStrings(t *testing.T, file string, source []byte) []string {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			s, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, s)
		}
		return true
	})
	return texts
}

// scriptTokens matches comments and strings, so that neither is found within the other.
var scriptTokens = regexp.MustCompile("(?s)/\\*.*?\\*/|(?:^|\\s)//[^\n]*|'(?:[^'\\\\\n]|\\\\.)*'|\"(?:[^\"\\\\\n]|\\\\.)*\"|`(?:[^`\\\\]|\\\\.)*`")

func scriptStrings(_ *testing.T, _ string, source []byte) []string {
	var texts []string
	for _, found := range scriptTokens.FindAllString(string(source), -1) {
		if found = strings.TrimSpace(found); found[0] != '/' {
			texts = append(texts, found[1:len(found)-1])
		}
	}
	return texts
}

var (
	invisibleHTML = regexp.MustCompile(`(?s)<!--.*?-->|<style.*?</style>|<script.*?</script>`)
	htmlText      = regexp.MustCompile(`(?s)\s(?:title|aria-label|placeholder|alt|data-text)="([^"]*)"|>([^<]*)`)
)

func htmlTexts(_ *testing.T, _ string, source []byte) []string {
	var texts []string
	for _, m := range htmlText.FindAllStringSubmatch(invisibleHTML.ReplaceAllString(string(source), ""), -1) {
		texts = append(texts, strings.Join(strings.Fields(html.UnescapeString(m[1]+m[2])), " "))
	}
	return texts
}

// A metric with two help texts makes every scrape fail, once both are sent.
func TestEveryMetricIsDeclaredOnce(t *testing.T) {
	declared := map[string]string{}
	for _, file := range trackedFiles(t, "internal/*.go", "pkg/*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metricDeclaration.FindAllStringSubmatch(string(source), -1) {
			if other := declared[m[1]]; other != "" {
				t.Errorf("%s is declared in %s and in %s: declare it once, in internal/metric if two packages send it", m[1], other, file)
			}
			declared[m[1]] = file
		}
	}
	if len(declared) < 50 {
		t.Errorf("found only %d metrics", len(declared))
	}
}

// metricDeclaration matches the name of a metric where its help text follows.
var metricDeclaration = regexp.MustCompile(`"(camd_[a-z_]+)",\s*(?:Help: )?"`)
