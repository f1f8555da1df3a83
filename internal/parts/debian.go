package parts

import (
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Package is a Debian package with libraries that a program needs.
type Package struct {
	Name, Version, Arch   string
	Release               string // of Debian: 12
	Source, SourceVersion string
	Needs                 []string // names of packages with libraries that its own need
	For                   []string // names of programs that link its libraries themselves
}

// triplets are where Debian keeps the libraries of a machine, and what it calls that.
var triplets = map[elf.Machine]struct{ dir, arch string }{
	elf.EM_X86_64:  {"x86_64-linux-gnu", "amd64"},
	elf.EM_AARCH64: {"aarch64-linux-gnu", "arm64"},
}

// library is a shared library of a Debian.
type library struct {
	path, owner string
	needs       []string // names of libraries
}

// tree is the Debian whose packages are asked: the machine's own, or one in a folder.
type tree struct {
	root, dir, arch string
	owned           map[string]library // all that packages have, by name
	libraries       map[string]library // those that are needed
}

// Linked returns the packages with the libraries that programs need, and those that these need in turn, by name, as they are
// installed below root.
func Linked(root string, programs []Program) ([]Package, error) {
	t := &tree{root: root, libraries: map[string]library{}}
	all := map[string]*Package{}
	for _, p := range programs {
		names, err := t.needs(p.Path)
		if err == nil {
			err = t.follow(names)
		}
		if err != nil {
			return nil, err
		}
		t.sort(all)
		for _, name := range names {
			owner := all[t.libraries[name].owner]
			owner.For = append(owner.For, p.Name)
		}
	}
	return t.describe(all)
}

// needs returns the libraries that a program or library names.
func (t *tree) needs(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	at, ok := triplets[f.Machine]
	if !ok {
		return nil, fmt.Errorf("%s is for %s, want amd64 or arm64", path, f.Machine)
	}
	t.dir, t.arch = at.dir, at.arch
	return f.ImportedLibraries()
}

// follow finds libraries, and all that they need.
func (t *tree) follow(names []string) error {
	if t.owned == nil {
		t.owned = map[string]library{}
		if err := t.index(); err != nil {
			return err
		}
	}
	for len(names) > 0 {
		var next []string
		for _, name := range names {
			l, ok := t.owned[name]
			if !ok {
				return fmt.Errorf("%s is in no package", name)
			}
			var err error
			if l.needs, err = t.needs(filepath.Join(t.root, l.path)); err != nil {
				return err
			}
			t.libraries[name] = l
			for _, n := range l.needs {
				if _, known := t.libraries[n]; !known {
					next = append(next, n)
				}
			}
		}
		slices.Sort(next)
		names = slices.Compact(next)
	}
	return nil
}

func (t *tree) query(args ...string) *exec.Cmd {
	return exec.Command("dpkg-query", append([]string{"--admindir=" + filepath.Join(t.root, "var/lib/dpkg")}, args...)...)
}

// index asks dpkg which packages libraries are in: once, since each question takes it long. Of some there are variants in folders
// of their own, and another machine's may be there too.
func (t *tree) index() error {
	out, err := t.query("-S", "*.so*").Output()
	if err != nil {
		return fmt.Errorf("dpkg-query: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		owner, path, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.Contains(owner, " ") { // a diversion
			continue
		}
		owner, arch, _ := strings.Cut(owner, ":")
		if arch != "" && arch != t.arch {
			continue
		}
		name := filepath.Base(path)
		if have, ok := t.owned[name]; !ok || t.rank(path) < t.rank(have.path) {
			t.owned[name] = library{path: path, owner: owner}
		}
	}
	return nil
}

// rank is the lower the more likely the loader takes the library there.
func (t *tree) rank(path string) int {
	if strings.Contains(path, "/"+t.dir+"/") {
		return strings.Count(path, "/")
	}
	return 100 + strings.Count(path, "/")
}

// sort puts the libraries into their packages.
func (t *tree) sort(all map[string]*Package) {
	for _, l := range t.libraries {
		p := all[l.owner]
		if p == nil {
			p = &Package{Name: l.owner, Arch: t.arch}
			all[l.owner] = p
		}
		for _, n := range l.needs {
			if owner := t.libraries[n].owner; owner != "" && owner != p.Name {
				p.Needs = append(p.Needs, owner)
			}
		}
	}
}

// describe returns the packages with their versions and sources.
func (t *tree) describe(all map[string]*Package) ([]Package, error) {
	if len(all) == 0 {
		return nil, nil
	}
	args := []string{"-W", "-f", `${Package} ${Version} ${source:Package} ${source:Version}\n`}
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names {
		args = append(args, name+":"+t.arch)
	}
	out, err := t.query(args...).Output()
	if err != nil {
		return nil, fmt.Errorf("dpkg-query: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 4 && all[f[0]] != nil {
			p := all[f[0]]
			p.Version, p.Source, p.SourceVersion = f[1], f[2], f[3]
		}
	}
	release := t.release()
	list := make([]Package, 0, len(all))
	for _, name := range names {
		p := all[name]
		p.Release = release
		slices.Sort(p.Needs)
		slices.Sort(p.For)
		p.Needs, p.For = slices.Compact(p.Needs), slices.Compact(p.For)
		list = append(list, *p)
	}
	return list, nil
}

// release is the number of the Debian.
func (t *tree) release() string {
	text, _ := os.ReadFile(filepath.Join(t.root, "etc/os-release")) // one that is being prepared has none
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_ID="); ok {
			return strings.Trim(number, `"`)
		}
	}
	return "unknown"
}
