package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"camd/internal/configfile"
	"camd/pkg/config"
)

// TestManual makes the man pages of the commands and of the configuration, and the completions for three shells. The build of a Debian package
// runs this test with CAMD_MANUAL, the folder in which to keep the files.
func TestManual(t *testing.T) {
	dir := cmp.Or(os.Getenv("CAMD_MANUAL"), t.TempDir())
	if err := writeManual(dir); err != nil {
		t.Fatal(err)
	}

	t.Run("every command has a page", func(t *testing.T) {
		for _, c := range append(newRootCommand().Commands(), newRootCommand()) {
			if c.Hidden {
				continue
			}
			page := readFile(t, dir, "man1/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
			for _, want := range []string{"\n.SH NAME\n", "\n.SH SYNOPSIS\n", "\n.SH DESCRIPTION\n", c.Short} {
				if !strings.Contains(page, want) {
					t.Errorf("%s: no %q in\n%s", c.CommandPath(), want, page)
				}
			}
		}
	})
	t.Run("options are as in --help", func(t *testing.T) {
		page := renderPage(t, dir, "man1/camd-probe.1")
		for _, want := range []string{
			"\n       -h, --help      help for probe", "\n       -c, --config FILE      configuration FILE", "\n       --measure duration      how long to measure the frame rate (default 2s)",
			"\n       --tls-verify      verify the certificate of an https:// or rtsps:// source (default true)",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in\n%s", want, page)
			}
		}
		for _, name := range []string{"camd", "camd-serve", "camd-doctor"} {
			if page := renderPage(t, dir, "man1/"+name+".1"); strings.Contains(page, "[=") || strings.Contains(page, `=""`) {
				t.Errorf("a flag without a value has one in\n%s", page)
			}
		}
	})
	t.Run("every key is in the page of the configuration", func(t *testing.T) {
		page := renderPage(t, dir, "man5/camd.yaml.5")
		keys := referenceRow.FindAllStringSubmatch(readFile(t, "", referenceFile), -1)
		if len(keys) < 100 {
			t.Errorf("only %d keys in %s", len(keys), referenceFile)
		}
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)^       ` + key[1] + `\s`).MatchString(page) {
				t.Errorf("no %q in\n%s", key[1], page)
			}
		}
		wanted := []string{"\nKEYS\n", "\nEXAMPLE\n", "*.example.com"}
		for _, heading := range regexp.MustCompile("(?m)^## (.*)$").FindAllStringSubmatch(readFile(t, "", referenceFile), -1) {
			wanted = append(wanted, "\n   "+heading[1]+"\n")
		}
		for _, want := range wanted {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in\n%s", want, page)
			}
		}
		if strings.ContainsAny(page, "`\\") {
			t.Errorf("Markdown or roff is left in\n%s", page)
		}
	})
	t.Run("the example of the page has no mistakes", func(t *testing.T) {
		if _, err := config.Parse("camd.yaml", []byte(configExample), func(string) (string, bool) { return "", false }); err != nil {
			t.Error(err)
		}
	})
	t.Run("man prints no warnings", func(t *testing.T) {
		pages, _ := filepath.Glob(filepath.Join(dir, "man*", "*"))
		if len(pages) < 8 {
			t.Errorf("only %q", pages)
		}
		for _, page := range pages {
			renderPage(t, "", page)
		}
	})
	t.Run("shells accept the completions", func(t *testing.T) {
		bash := exec.Command("bash", "-c", `source "$1" && complete -p camd`, "bash", filepath.Join(dir, "camd.bash"))
		if out, err := bash.CombinedOutput(); err != nil || !strings.Contains(string(out), "camd") {
			t.Errorf("bash: %v\n%s", err, out)
		}
		for _, file := range []string{"_camd", "camd.fish"} {
			if !strings.Contains(readFile(t, dir, file), "__complete") {
				t.Errorf("%s does not ask camd", file)
			}
		}
	})
}

func writeManual(dir string) error {
	root := newRootCommand()
	root.DisableAutoGenTag = true
	for _, d := range []string{"man1", "man5"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	pageDate := manualDate()
	for _, c := range append(root.Commands(), root) {
		if c.Hidden {
			continue
		}
		if err := writeCommandPage(c, filepath.Join(dir, "man1"), pageDate); err != nil {
			return err
		}
	}
	if err := writeConfigPage(filepath.Join(dir, "man5", "camd.yaml.5"), pageDate); err != nil {
		return err
	}
	return writeCompletions(root, dir)
}

// manualDate returns the date of the pages. For a package it is the date of the commit.
func manualDate() time.Time {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Now().UTC()
}

// optionEntry matches an option in a page. Its groups are the names, the last name alone, and the description.
var optionEntry = regexp.MustCompile(`(?m)^((?:\\fB-\w\\fP, )?\\fB--([\w-]+)\\fP)\[?=.*\n\t(.*)$`)

// writeCommandPage writes the page of a command. Package doc shows the default of every option as its value, and "[=false]" for options
// without a value. writeCommandPage replaces that by the text of --help.
func writeCommandPage(c *cobra.Command, dir string, pageDate time.Time) error {
	var page bytes.Buffer
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "camd", Manual: "camd", Date: &pageDate}, &page); err != nil {
		return err
	}
	help := c.Flags().FlagUsages()
	text := optionEntry.ReplaceAllStringFunc(page.String(), func(entry string) string {
		m := optionEntry.FindStringSubmatch(entry)
		inHelp := regexp.MustCompile("(?m)--" + m[2] + `(?: (\S+))?  .*?( \(default \S+\))?$`).FindStringSubmatch(help)
		if inHelp == nil {
			return entry // the test reports it
		}
		value := ""
		if inHelp[1] != "" {
			value = ` \fI` + inHelp[1] + `\fP`
		}
		return m[1] + value + "\n\t" + strings.TrimSuffix(m[3], inHelp[2]) + inHelp[2]
	})
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), []byte(text), 0o644)
}

const configPage = `%% "CAMD.YAML" "5" "%s" "camd" "camd"
# NAME
camd.yaml \- configuration of the surveillance camera server camd

# DESCRIPTION
camd reads the file that **--config** names, otherwise **` + configfile.DefaultPath + `**. Without a file it serves a test pattern and
every capture device of this machine, to this machine only.

The file is YAML. Indent nested keys with spaces, and give keys of one level the same indentation. camd refuses keys that it does not
know. **camd check** reports every mistake with its line and column.

Durations are written 10s, 1m30s or 500ms, sizes 1280x720, and numbers of bytes 64KiB or 5MB. Paths are relative to the file's folder.
${NAME} in a value is replaced by the environment variable NAME. Write $${ for a plain ${.

# EXAMPLE
` + "```" + `
%s` + "```" + `

# KEYS
%s
# FILES
**` + configfile.DefaultPath + `**
: the configuration of the service

**/usr/share/doc/camd/examples/camd.yaml**
: a whole file with every key

# SEE ALSO
**camd(1)**, **camd-check(1)**, **camd-devices(1)**, **camd-probe(1)**
`

// configExample is the example of the page.
const configExample = `listen: 127.0.0.1:8080
cameras:
  - id: front-door
    title: Front door
    source: /dev/video0
  - id: yard
    title: Yard
    source: rtsp://10.0.0.7/stream1
    on_demand: true
limits:
  viewers: 100
log:
  level: info
`

// referenceRow matches a key in the reference. Its groups are the key, its value, its default and its description.
var referenceRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) \\| (.*?) \\| (.*) \\|$")

// writeConfigPage writes camd.yaml(5) from docs/configuration.md, which a test of pkg/config writes from the code.
func writeConfigPage(path string, pageDate time.Time) error {
	text, err := os.ReadFile(referenceFile)
	if err != nil {
		return err
	}
	var keys strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			fmt.Fprintf(&keys, "\n### %s\n", heading)
		} else if m := referenceRow.FindStringSubmatch(line); m != nil {
			byDefault := ""
			if m[3] != "" {
				byDefault = " Default: " + m[3] + "."
			}
			fmt.Fprintf(&keys, "**%s**\n: %s Value: %s.%s\n\n", escapeMarkdown(m[1]), escapeMarkdown(m[4]), escapeMarkdown(m[2]), escapeMarkdown(byDefault))
		}
	}
	return os.WriteFile(path, md2man.Render(fmt.Appendf(nil, configPage, pageDate.Format("Jan 2006"), configExample, keys.String())), 0o644)
}

var markdownLink = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// escapeMarkdown returns a cell of a table as plain text, with Markdown escaped. Of links it keeps the words.
func escapeMarkdown(cell string) string {
	cell = markdownLink.ReplaceAllString(strings.NewReplacer("\\|", "|", "`", "").Replace(cell), "$1")
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`, "~", `\~`).Replace(cell)
}

func writeCompletions(root *cobra.Command, dir string) error {
	if err := root.GenBashCompletionFileV2(filepath.Join(dir, "camd.bash"), true); err != nil {
		return err
	}
	if err := root.GenZshCompletionFile(filepath.Join(dir, "_camd")); err != nil {
		return err
	}
	return root.GenFishCompletionFile(filepath.Join(dir, "camd.fish"), true)
}

const referenceFile = "../../docs/configuration.md"

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// renderPage returns a page as man shows it. A warning of man fails the test.
func renderPage(t *testing.T, dir, name string) string {
	t.Helper()
	man := exec.Command("man", "--warnings=w", "-l", filepath.Join(dir, name))
	man.Env = append(os.Environ(), "MANWIDTH=140", "LC_ALL=C.UTF-8", "MANROFFOPT=", "PAGER=cat")
	var warnings strings.Builder
	man.Stderr = &warnings
	out, err := man.Output()
	if err != nil || warnings.Len() > 0 {
		t.Errorf("man %s: %v\n%s", name, err, warnings.String())
	}
	return string(out)
}
