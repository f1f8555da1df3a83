package sbom

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// WebAsset is third-party code in camd's pages.
type WebAsset struct {
	Name, Version, Licence, PURL string
	LicenceFile                  string // the licence, in this repository
}

// WebAssets lists the third-party code in the pages.
var WebAssets = []WebAsset{{Name: "uPlot", Version: "1.6.32", Licence: "MIT", PURL: "pkg:npm/uplot@1.6.32", LicenceFile: "pkg/httpapi/web/uplot.LICENSE"}}

// WriteNotice writes the licences of all third-party code in the programs, each in full. Call it in the repository's folder.
func WriteNotice(w io.Writer, programs []Program) error {
	modules, err := AllModules(programs)
	if err != nil {
		return err
	}
	root, err := commandOutput("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "camd contains the following software. The full text of each licence follows its name.")
	if err := quote(w, "The Go standard library, "+programs[0].Go, filepath.Join(strings.TrimSpace(string(root)), "LICENSE")); err != nil {
		return err
	}
	for _, c := range WebAssets {
		if err := quote(w, c.Name+" "+c.Version+", in the pages", c.LicenceFile); err != nil {
			return err
		}
	}
	for _, m := range modules {
		files, err := LicenceFiles(m.Dir)
		if err != nil {
			return err
		}
		title := m.Path + " " + m.Version
		if fileCopyleft[m.Path] != "" {
			title += ". Get its unchanged source with: go mod download " + m.Path + "@" + m.Version
		}
		if err := quote(w, title, files...); err != nil {
			return err
		}
	}
	return nil
}

func quote(w io.Writer, title string, files ...string) error {
	fmt.Fprintf(w, "\n%s\n%s\n\n", title, strings.Repeat("=", len(title)))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
