package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"camd/internal/configfile"
)

// TestManual makes man pages of the commands and of the example configuration, and completions for three shells. Every package makes them
// again, so that they are up to date. With CAMD_MANUAL they are kept in that folder.
func TestManual(t *testing.T) {
	dir := cmp.Or(os.Getenv("CAMD_MANUAL"), t.TempDir())
	if err := writeManual(dir); err != nil {
		t.Fatal(err)
	}

	t.Run("every command has a page", func(t *testing.T) {
		for _, c := range append(newRootCommand().Commands(), newRootCommand()) {
			page := readFile(t, dir, "man1/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
			for _, want := range []string{"\n.SH NAME\n", "\n.SH SYNOPSIS\n", "\n.SH DESCRIPTION\n", c.Short} {
				if !strings.Contains(page, want) {
					t.Errorf("%s: no %q in\n%s", c.CommandPath(), want, page)
				}
			}
		}
	})
	t.Run("the example's last line is in its page", func(t *testing.T) {
		lines := strings.Split(strings.TrimSpace(example(t)), "\n")
		last := strings.TrimSpace(lines[len(lines)-1])
		if page := renderPage(t, dir, "man5/camd.yaml.5"); !strings.Contains(page, last) {
			t.Errorf("no %q in\n%s", last, page)
		}
	})
	t.Run("man has nothing to say against them", func(t *testing.T) {
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
	header := &doc.GenManHeader{Section: "1", Source: "camd", Manual: "camd", Date: &pageDate}
	if err := doc.GenManTree(root, header, filepath.Join(dir, "man1")); err != nil {
		return err
	}
	if err := writeConfigPage(filepath.Join(dir, "man5", "camd.yaml.5"), pageDate); err != nil {
		return err
	}
	return writeCompletions(root, dir)
}

// manualDate is when the pages say that they were made: when the commit was, for a package.
func manualDate() time.Time {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Now().UTC()
}

const configPage = `%% "CAMD.YAML" "5" "%s" "camd" "camd"
# NAME
camd.yaml \- configuration of the surveillance camera server camd

# DESCRIPTION
camd reads the file named with **--config**, else **` + configfile.DefaultPath + `**; without one it serves a test pattern and every
capture device of this machine, to this machine alone. The file is YAML. A key that camd does not know is a mistake, and
**camd check** names every mistake with its line and column. What follows is a whole file, with every key explained.

# EXAMPLE
%s
# SEE ALSO
**camd(1)**, **camd-check(1)**, **camd-devices(1)**
`

// writeConfigPage makes camd.yaml(5) of the example, in which the tests of pkg/config look for every key.
func writeConfigPage(path string, pageDate time.Time) error {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		return err
	}
	indented := "    " + strings.ReplaceAll(strings.TrimRight(string(text), "\n"), "\n", "\n    ") + "\n"
	return os.WriteFile(path, md2man.Render(fmt.Appendf(nil, configPage, pageDate.Format("Jan 2006"), indented)), 0o644)
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

const exampleFile = "../../deploy/camd.example.yaml"

func example(t *testing.T) string { return readFile(t, "", exampleFile) }

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// renderPage is what man makes of a page. It may warn of nothing.
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
