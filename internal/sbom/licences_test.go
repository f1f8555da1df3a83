package sbom

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/licences.md")

const (
	tags         = "gocv_specific_modules,gocv_videoio"
	licencesPath = "../../docs/licences.md"
)

// modulesOf returns the modules that packages are built from, by path.
func modulesOf(t *testing.T, args ...string) map[string]Module {
	t.Helper()
	list := append([]string{"list", "-deps", "-tags", tags, "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}"}, args...)
	out, err := commandOutput("go", list...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Module{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 {
			all[f[0]] = Module{Path: f[0], Version: f[1], Dir: f[2]}
		}
	}
	if len(all) == 0 {
		t.Fatalf("go list %v names no module", args)
	}
	return all
}

// Every module has a known licence that only requires its text to accompany the program. docs/licences.md lists the licences.
func TestLicencesAreAllowedAndListed(t *testing.T) {
	daemon, capture := modulesOf(t, "camd/cmd/camd"), modulesOf(t, "camd/cmd/camd-capture")
	everything := modulesOf(t, "-test", "camd/...")
	var b strings.Builder
	b.WriteString(licencesHead)
	for _, path := range slices.Sorted(maps.Keys(everything)) {
		licence, err := everything[path].Licence()
		if err != nil {
			t.Error(err)
		} else if !everything[path].IsAllowed(licence) {
			t.Errorf("%s: %s is not in %v, and internal/sbom/licence.go does not allow it", path, licence, Permissive)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", path, licence, usedBy(path, daemon, capture))
	}
	for _, c := range WebAssets {
		fmt.Fprintf(&b, "| %s, from npm | %s | the pages |\n", c.Name, c.Licence)
	}
	b.WriteString("| axe-core, from npm | MPL-2.0 | tests |\n")
	if *update {
		if err := os.WriteFile(licencesPath, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(licencesPath); err != nil || string(got) != b.String() {
		t.Errorf("%s differs from the licences of the modules (%v); to write it, run: go test ./internal/sbom -run TestLicencesAreAllowedAndListed -update", licencesPath, err)
	}
}

func usedBy(path string, daemon, capture map[string]Module) string {
	_, inDaemon := daemon[path]
	_, inCapture := capture[path]
	switch {
	case inDaemon && inCapture:
		return "camd, camd-capture"
	case inDaemon:
		return "camd"
	case inCapture:
		return "camd-capture"
	}
	return "tests and building"
}

const licencesHead = `# Licences of third-party software

` + "`go test ./internal/sbom -run TestLicencesAreAllowedAndListed -update`" + ` writes this page from the licence files of the modules. The test fails if
it does not know a licence, or if a licence requires more than its own text next to a program. The Debian package has the full texts in
` + "`/usr/share/doc/camd/NOTICE.gz`" + `.

- For OR, camd uses the licence that requires less. For paho.golang that is the Eclipse Distribution License, which is BSD-3-Clause. For
  psx it is BSD-3-Clause.
- MPL-2.0 requires the source of a module's own files. They are unchanged, and the NOTICE says where they are. The MPL-2.0 of axe-core
  applies only to its own file, which only a test uses.
- camd links libraries of Debian and does not contain them. ` + "`sbom.cdx.json`" + ` next to the NOTICE lists them, and
  ` + "`/usr/share/doc/PACKAGE/copyright`" + ` has their licences. FFmpeg, which OpenCV uses, is under the GPL, version 2 or later, as Debian builds it.
  Its terms apply if you distribute camd-capture together with those libraries.

| module | licence | in |
|---|---|---|
`

// The licences and versions in WebAssets are those of the files in the pages.
func TestWebAssetsMatchTheirFiles(t *testing.T) {
	for _, c := range WebAssets {
		if got, err := detectLicence([]string{"../../" + c.LicenceFile}); err != nil || got != c.Licence {
			t.Errorf("%s: got %s, %v, want %s", c.LicenceFile, got, err, c.Licence)
		}
		if text, err := os.ReadFile("../../" + strings.TrimSuffix(c.LicenceFile, "LICENSE") + "min.js"); err != nil || !strings.Contains(string(text), c.Version) {
			t.Errorf("%s does not say that it is %s (%v)", c.Name, c.Version, err)
		}
	}
	if got, err := detectLicence([]string{"../../test/e2e/testdata/axe.LICENSE"}); err != nil || got != "MPL-2.0" {
		t.Errorf("axe-core: got %s, %v", got, err)
	}
}

// A licence that nobody has reviewed, or that requires more, is refused.
func TestUnknownLicenceIsRefused(t *testing.T) {
	mpl, err := os.ReadFile("../../test/e2e/testdata/axe.LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"none": "", "unknown": "Do as you please, except on Sundays.", "copyleft": string(mpl)} {
		dir := t.TempDir()
		if name != "none" {
			if err := os.WriteFile(dir+"/LICENSE", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := (Module{Path: "example.com/" + name, Dir: dir}).Licence(); err == nil && (Module{Path: "example.com/" + name}).IsAllowed(got) {
			t.Errorf("%s: %q is allowed", name, got)
		}
	}
	for expression, want := range map[string]bool{
		"MIT": true, "GPL-3.0": false, "AGPL-3.0 OR MIT": true, "MIT AND Apache-2.0": true, "MIT AND GPL-2.0": false, "": false,
	} {
		if IsPermissive(expression) != want {
			t.Errorf("%q: allowed is %v, want %v", expression, !want, want)
		}
	}
}
