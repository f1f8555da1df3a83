package arch

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	modulePrefix = "camd/"
	gocv         = "gocv.io/x/gocv"
	tags         = "gocv_specific_modules,gocv_videoio"
)

// layers lists all packages below cmd, internal and pkg, from the top down. A package imports only packages of lower layers and those
// below itself. An entry includes the packages below it: pkg/httpapi includes pkg/httpapi/wall.
var layers = [][]string{
	{"cmd/camd", "cmd/camd-capture"},
	{"internal/daemon", "internal/doctor"},
	{"internal/certreload", "internal/healthclient", "internal/configfile", "internal/linkkey", "internal/listener"},
	{"internal/filewatch", "internal/logging"},
	{"pkg/config"},
	{"pkg/httpapi"},
	{"pkg/bus", "pkg/notify"},
	{"pkg/fanout"},
	{"pkg/source"},
	{"pkg/media"},
	{"pkg/access", "pkg/audit", "pkg/certificate", "pkg/connlimit", "pkg/statestore"},
	{"pkg/camera"},
	{"pkg/broker"},
	{"internal/arch", "internal/atomicfile", "internal/boundedfile", "internal/clientprefix", "internal/fdlimit", "internal/metric", "internal/nodump",
		"internal/rawcall", "internal/sbom", "internal/statedir", "internal/systemd", "internal/testpeer", "internal/timerslack", "internal/writetimeout"},
	{"internal/testrun"},
}

// layerOf returns the layer of a package and the entry that includes it; -1 if it has none.
func layerOf(importPath string) (layer int, entry string) {
	for i, entries := range layers {
		for _, e := range entries {
			if isBelow(importPath, e) {
				return i, e
			}
		}
	}
	return -1, ""
}

// standardOnly lists the packages that import only the standard library.
var standardOnly = []string{"pkg/broker", "pkg/camera", "pkg/media/h26x", "pkg/media/matroska", "pkg/source/httpmjpeg", "pkg/source/sourceurl", "pkg/source/tlsverify"}

// valuesOnly lists the packages that import only the standard library, packages of standardOnly and each other: they declare and carry
// values.
var valuesOnly = []string{"pkg/media", "pkg/media/fmp4", "pkg/source/options", "pkg/source/wire"}

// forbiddenDependencies lists dependencies that are forbidden although the layers allow them. Each name includes all packages below it. A
// server gets interfaces, and the daemon connects it to the rest. The configuration is values; package configfile loads the files.
var forbiddenDependencies = []struct{ from, to string }{
	{"pkg/config", "pkg/access"},
	{"pkg/config", "pkg/certificate"},
	{"pkg/config", "pkg/notify"},
	{"pkg/httpapi", "pkg/bus"},
	{"pkg/httpapi", "pkg/notify"},
	{"pkg/httpapi", "pkg/source"},
	{"pkg/httpapi", "pkg/statestore"},
	{"pkg/notify", "pkg/source"},
	{"pkg/source", "pkg/statestore"},
}

// httpapiImports lists what each package below pkg/httpapi imports of the others there. None imports pkg/httpapi itself, which mounts
// them. Packages request and viewers are below all that serve something. Package streaming is below those that serve streams.
var httpapiImports = map[string][]string{
	"request":   {},
	"viewers":   {"request"},
	"web":       {"request"},
	"snapshot":  {"request"},
	"streaming": {"request", "viewers"},
	"mjpeg":     {"request", "streaming", "viewers"},
	"mp4":       {"request", "streaming", "viewers"},
	"wall":      {"request", "streaming", "viewers"},
	"compat":    {"mjpeg", "request", "snapshot", "streaming", "viewers"},
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

// findPackage returns a package that a rule names. A rule about a package without code is a mistake in the rule.
func findPackage(t *testing.T, all map[string]goPackage, name string) goPackage {
	t.Helper()
	p, ok := all[modulePrefix+name]
	if !ok {
		t.Errorf("a rule names %s, which does not exist", name)
	}
	return p
}

// isBelow reports whether a package is name or lies below it.
func isBelow(importPath, name string) bool {
	return importPath == modulePrefix+name || strings.HasPrefix(importPath, modulePrefix+name+"/")
}

// checkDependencies checks that a package depends only on the standard library and on allowed packages.
func checkDependencies(t *testing.T, all map[string]goPackage, name string, allowed []string) {
	t.Helper()
	for _, dep := range findPackage(t, all, name).Deps {
		if !all[dep].Standard && !slices.Contains(allowed, strings.TrimPrefix(dep, modulePrefix)) {
			t.Errorf("%s depends on %s", name, dep)
		}
	}
}

func TestPackagesDependOnlyOnWhatIsAllowed(t *testing.T) {
	all := listPackages(t, "CGO_ENABLED=1", "./...")

	t.Run("every package has a layer", func(t *testing.T) {
		used := map[string]bool{}
		for _, p := range all {
			name, ours := strings.CutPrefix(p.ImportPath, modulePrefix)
			if top, _, _ := strings.Cut(name, "/"); !ours || !slices.Contains([]string{"cmd", "internal", "pkg"}, top) {
				continue // test programs and build tools
			}
			layer, entry := layerOf(p.ImportPath)
			if used[entry] = true; layer < 0 {
				t.Errorf("%s has no layer", name)
			}
		}
		for _, entries := range layers {
			for _, entry := range entries {
				if !used[entry] {
					t.Errorf("layers name %s, which does not exist", entry)
				}
			}
		}
	})
	t.Run("imports point down", func(t *testing.T) {
		for _, p := range all {
			layer, entry := layerOf(p.ImportPath)
			if layer < 0 {
				continue
			}
			for _, imported := range p.Imports {
				below, other := layerOf(imported)
				if below >= 0 && below <= layer && other != entry {
					t.Errorf("%s imports %s, which is not of a lower layer", p.ImportPath, imported)
				}
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
	t.Run("packages that know nothing of each other", func(t *testing.T) {
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
	t.Run("packages below httpapi import only those below them", func(t *testing.T) {
		const httpapi = modulePrefix + "pkg/httpapi"
		for _, p := range all {
			name, below := strings.CutPrefix(p.ImportPath, httpapi+"/")
			if !below {
				continue
			}
			allowed, listed := httpapiImports[name]
			if !listed {
				t.Errorf("%s is not in httpapiImports", p.ImportPath)
			}
			for _, dep := range p.Deps {
				if isBelow(dep, "pkg/httpapi") && !slices.Contains(allowed, strings.TrimPrefix(dep, httpapi+"/")) {
					t.Errorf("%s depends on %s", p.ImportPath, dep)
				}
			}
		}
	})
	t.Run("OpenCV and C in one place", func(t *testing.T) {
		if p := findPackage(t, all, "pkg/source/capture"); !slices.Contains(p.Imports, gocv) {
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
	t.Run("capture processes have no metrics", func(t *testing.T) {
		for _, dep := range all[modulePrefix+"cmd/camd-capture"].Deps {
			if strings.HasPrefix(dep, "github.com/prometheus/client_golang/") {
				t.Errorf("cmd/camd-capture depends on %s", dep)
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

// subcommands are the files of cmd/camd beside main.go: each has the name of its subcommand, or begins with it.
var subcommands = []string{"check", "devices", "doctor", "hash_password", "healthcheck", "new_token", "probe", "readers", "rotate_links", "schema", "serve", "share", "version"}

// assembled are packages that internal/daemon uses to build the daemon, and subcommands do not use.
var assembled = []string{"pkg/broker", "pkg/bus", "pkg/httpapi", "pkg/notify", "pkg/source", "pkg/statestore"}

// cmd/camd has only main and subcommands. camd probe opens a source itself: that is all it does.
func TestCommandsAssembleNothing(t *testing.T) {
	files, err := filepath.Glob("../../cmd/camd/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in cmd/camd: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".go")
		if strings.HasSuffix(name, "_test") {
			continue
		}
		isOf := func(command string) bool { return name == command || strings.HasPrefix(name, command+"_") }
		if name != "main" && !slices.ContainsFunc(subcommands, isOf) {
			t.Errorf("%s is not the file of a subcommand", file)
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range source.Imports {
			p := strings.TrimPrefix(strings.Trim(imported.Path.Value, `"`), modulePrefix)
			if slices.Contains(assembled, p) && !(p == "pkg/source" && isOf("probe")) {
				t.Errorf("%s imports %s", file, p)
			}
		}
	}
}

// psx is a dependency of go-landlock, which confines the readers process. It has C code only for programs that link other C code.
const psx = "kernel.org/pub/linux/libs/security/libcap/psx"

// TestDaemonHasNoC holds the daemon to pure Go: no package that it is made of, outside the standard library and except psx, has C code
// even if cgo is available, and it builds without cgo.
func TestDaemonHasNoC(t *testing.T) {
	for _, p := range listPackages(t, "CGO_ENABLED=1", "./cmd/camd") {
		if isGoCV(p.ImportPath) || !p.Standard && p.ImportPath != psx && len(p.CgoFiles) > 0 {
			t.Errorf("cmd/camd depends on %s, which has C code", p.ImportPath)
		}
	}
	cmd := exec.Command("go", "build", "-o", os.DevNull, "./cmd/camd")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("CGO_ENABLED=0 go build ./cmd/camd: %v\n%s", err, out)
	}
}
