package sbom

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
)

// Module is a Go module that programs are built from.
type Module struct {
	Path, Version string
	Sum           string // the hash of its content in go.sum; empty for the standard library
	Dir           string // the folder of its source
}

// Program is a built program.
type Program struct {
	Name    string // the name of its file
	Path    string
	Go      string // the version of Go that built it
	Modules []Module
}

// ReadPrograms returns what built programs report about their modules.
func ReadPrograms(paths ...string) ([]Program, error) {
	var all []Program
	for _, path := range paths {
		built, err := buildinfo.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p := Program{Name: filepath.Base(path), Path: path, Go: built.GoVersion}
		for _, m := range built.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			p.Modules = append(p.Modules, Module{Path: m.Path, Version: m.Version, Sum: m.Sum})
		}
		all = append(all, p)
	}
	return all, nil
}

// AllModules returns the modules of all programs, each once and with its folder, sorted by path.
func AllModules(programs []Program) ([]Module, error) {
	args := []string{"list", "-m", "-json"}
	for _, p := range programs {
		for _, m := range p.Modules {
			args = append(args, m.Path)
		}
	}
	if len(args) == 3 { // without arguments, go list would list the module of this folder
		return nil, errors.New("the programs contain no module information; build them with go build in module mode")
	}
	out, err := commandOutput("go", args...)
	if err != nil {
		return nil, err
	}
	var all []Module
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m Module
		if err := d.Decode(&m); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(all, func(a, b Module) bool { return a.Path == b.Path }), checkVersions(programs, all)
}

// checkVersions returns an error if a program contains another version of a module than the one in its folder.
func checkVersions(programs []Program, listed []Module) error {
	var errs []error
	for _, p := range programs {
		for _, m := range p.Modules {
			at := slices.IndexFunc(listed, func(h Module) bool { return h.Path == m.Path })
			if at < 0 || listed[at].Version != m.Version {
				errs = append(errs, fmt.Errorf("%s contains %s %s, which differs from go.mod; build it again", p.Name, m.Path, m.Version))
			}
		}
	}
	return errors.Join(errs...)
}

// commandOutput runs a program and returns what it prints.
func commandOutput(name string, args ...string) ([]byte, error) {
	out, err := exec.Command(name, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(exit.Stderr))
	}
	return out, err
}
