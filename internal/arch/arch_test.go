package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	modulePrefix = "camd/"
	gocv         = "gocv.io/x/gocv"
	tags         = "gocv_specific_modules,gocv_videoio"
)

// knownPackages lists every package below pkg. A rule about a package that is not listed is a mistake in the rule, and a
// package that is not listed has yet to get its place; both fail.
var knownPackages = []string{
	"pkg/access",
	"pkg/certificate/acme",
	"pkg/audit",
	"pkg/broker",
	"pkg/bus",
	"pkg/camera",
	"pkg/certificate",
	"pkg/config",
	"pkg/fanout",
	"pkg/httpapi",
	"pkg/statestore",
	"pkg/media",
	"pkg/notify",
	"pkg/notify/mqtt",
	"pkg/notify/webhook",
	"pkg/source",
	"pkg/source/capture",
	"pkg/source/confine",
	"pkg/source/httpmjpeg",
	"pkg/source/pattern",
	"pkg/source/placeholder",
	"pkg/source/netprobe",
	"pkg/source/options",
	"pkg/source/sourceurl",
	"pkg/source/tlsverify",
	"pkg/source/v4l2",
	"pkg/source/wire",
	"pkg/connlimit",
	"pkg/httpapi/wall",
}

// standardOnly lists the packages that import only the standard library.
var standardOnly = []string{"pkg/broker", "pkg/camera", "pkg/certificate", "pkg/media", "pkg/source/httpmjpeg", "pkg/source/sourceurl", "pkg/source/tlsverify"}

// valuesOnly lists the packages that import only the standard library, packages of standardOnly and each other: they declare and carry
// values.
var valuesOnly = []string{"pkg/source/options", "pkg/source/wire"}

// forbiddenDependencies lists which package must not depend on which; both stand for all packages below them, too. Only main may import everything.
var forbiddenDependencies = []struct{ from, to string }{
	{"pkg/httpapi", "pkg/source"},
	{"pkg/source", "pkg/httpapi"},
	{"pkg/access", "pkg/config"},
	{"pkg/access", "pkg/httpapi"},
	{"pkg/access", "pkg/source"},
	{"pkg/httpapi", "pkg/config"}, // a package gets values, not the config
	{"pkg/source", "pkg/config"},
	{"pkg/bus", "pkg/config"},
	{"pkg/statestore", "pkg/config"},
	{"pkg/httpapi", "pkg/statestore"},
	{"pkg/source", "pkg/statestore"},
	{"pkg/httpapi", "pkg/bus"},
	{"pkg/bus", "pkg/httpapi"},
	{"pkg/notify", "pkg/config"},
	{"pkg/certificate/acme", "pkg/config"},
	{"pkg/notify", "pkg/source"},
	{"pkg/notify", "pkg/httpapi"},
	{"pkg/source", "pkg/notify"},
	{"pkg/httpapi", "pkg/notify"},
}

// goPackage is a package as go list describes it, test files left out.
type goPackage struct {
	ImportPath    string
	Standard      bool
	Imports, Deps []string
	CgoFiles      []string
}

// listPackages returns the packages that match patterns, with all that they depend on.
func listPackages(t *testing.T, env string, patterns ...string) map[string]goPackage {
	t.Helper()
	args := append([]string{"list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps,CgoFiles", "-tags", tags}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), env)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderrOf(err))
	}
	all := map[string]goPackage{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func stderrOf(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.Stderr
	}
	return nil
}

// findPackage returns a listed package; ok is false while it has no code.
func findPackage(t *testing.T, all map[string]goPackage, name string) (p goPackage, ok bool) {
	t.Helper()
	if !slices.Contains(knownPackages, name) {
		t.Errorf("%s is not in knownPackages", name)
	}
	files, err := os.ReadDir("../../" + name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	written := slices.ContainsFunc(files, func(f os.DirEntry) bool {
		return strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go")
	})
	p, ok = all[modulePrefix+name]
	if written && !ok {
		t.Errorf("%s has code, and go list does not know it", name)
	}
	return p, ok && written
}

// isBelow reports whether a package is name or lies below it.
func isBelow(importPath, name string) bool {
	return importPath == modulePrefix+name || strings.HasPrefix(importPath, modulePrefix+name+"/")
}

// checkDependencies checks that a package depends only on the standard library and on allowed packages.
func checkDependencies(t *testing.T, all map[string]goPackage, name string, allowed []string) {
	t.Helper()
	p, _ := findPackage(t, all, name)
	for _, dep := range p.Deps {
		if !all[dep].Standard && !slices.Contains(allowed, strings.TrimPrefix(dep, modulePrefix)) {
			t.Errorf("%s depends on %s", name, dep)
		}
	}
}

func TestPackagesDependOnlyOnWhatIsAllowed(t *testing.T) {
	all := listPackages(t, "CGO_ENABLED=1", "./...")

	t.Run("every package is drawn", func(t *testing.T) {
		for p := range all {
			if name, ours := strings.CutPrefix(p, modulePrefix); ours && strings.HasPrefix(name, "pkg/") && !slices.Contains(knownPackages, name) {
				t.Errorf("%s is not in knownPackages", name)
			}
		}
	})
	t.Run("standard library only", func(t *testing.T) {
		for _, name := range standardOnly {
			checkDependencies(t, all, name, nil)
		}
	})
	t.Run("values only", func(t *testing.T) {
		for _, name := range valuesOnly {
			checkDependencies(t, all, name, slices.Concat(standardOnly, valuesOnly))
		}
	})
	t.Run("strangers", func(t *testing.T) {
		for _, s := range forbiddenDependencies {
			findPackage(t, all, s.from)
			findPackage(t, all, s.to)
			for _, p := range all {
				i := slices.IndexFunc(p.Deps, func(dep string) bool { return isBelow(dep, s.to) })
				if isBelow(p.ImportPath, s.from) && i >= 0 {
					t.Errorf("%s depends on %s", p.ImportPath, p.Deps[i])
				}
			}
		}
	})
	t.Run("OpenCV and C in one place", func(t *testing.T) {
		if p, ok := findPackage(t, all, "pkg/source/capture"); ok && !slices.Contains(p.Imports, gocv) {
			t.Error("pkg/source/capture does not import gocv: this test looks in the wrong place")
		}
		for _, p := range all {
			ours := strings.HasPrefix(p.ImportPath, modulePrefix)
			if ours && p.ImportPath != modulePrefix+"pkg/source/capture" && slices.ContainsFunc(p.Imports, isGoCV) {
				t.Errorf("%s imports gocv", p.ImportPath)
			}
			if ours && p.ImportPath != modulePrefix+"pkg/source/capture" && len(p.CgoFiles) > 0 {
				t.Errorf("%s has C code of its own", p.ImportPath)
			}
		}
	})
	t.Run("names", func(t *testing.T) {
		for p := range all {
			last := path.Base(p)
			if strings.HasPrefix(p, modulePrefix) && slices.Contains([]string{"base", "common", "helper", "helpers", "misc", "shared", "util", "utils"}, last) {
				t.Errorf("%s: %q says nothing", p, last)
			}
		}
	})
}

func isGoCV(importPath string) bool {
	return importPath == gocv || strings.HasPrefix(importPath, gocv+"/")
}

// TestDaemonHasNoC holds the daemon to pure Go: no package that it is made of, outside the standard library, has C code
// even where cgo is at hand, and it builds where it is not.
func TestDaemonHasNoC(t *testing.T) {
	if files, _ := os.ReadDir("../../cmd/camd"); len(files) == 0 {
		t.Skip("cmd/camd has no code yet")
	}
	for _, p := range listPackages(t, "CGO_ENABLED=1", "./cmd/camd") {
		if isGoCV(p.ImportPath) || !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("cmd/camd depends on %s, which has C code", p.ImportPath)
		}
	}
	cmd := exec.Command("go", "build", "-o", os.DevNull, "./cmd/camd")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("CGO_ENABLED=0 go build ./cmd/camd: %v\n%s", err, out)
	}
}
