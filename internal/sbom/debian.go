package sbom

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

// DebianPackage is a Debian package with libraries that a program needs.
type DebianPackage struct {
	Name, Version, Arch   string
	Release               string // of Debian: 12
	Source, SourceVersion string
	DependsOn             []string // names of packages with libraries that this package's libraries need
	LinkedBy              []string // names of programs that link its libraries directly
}

// triplets has the folder in which Debian keeps the libraries of a machine type, and Debian's name for that type.
var triplets = map[elf.Machine]struct{ dir, arch string }{
	elf.EM_X86_64:  {"x86_64-linux-gnu", "amd64"},
	elf.EM_AARCH64: {"aarch64-linux-gnu", "arm64"},
}

// library is a shared library of a Debian package.
type library struct {
	path, owner string
	imports     []string // names of libraries
}

// debianSystem is a Debian whose packages are queried: the machine's own, or one in a folder.
type debianSystem struct {
	root, libDir, arch string
	packaged           map[string]library // the libraries of all packages, by name
	libraries          map[string]library // those that are needed
}

// LinkedPackages returns the installed packages below root with the libraries that programs need, directly or through other libraries.
// They are sorted by name.
func LinkedPackages(root string, programs []Program) ([]DebianPackage, error) {
	t := &debianSystem{root: root, libraries: map[string]library{}}
	all := map[string]*DebianPackage{}
	for _, p := range programs {
		names, err := t.importedLibraries(p.Path)
		if err == nil {
			err = t.resolveLibraries(names)
		}
		if err != nil {
			return nil, err
		}
		t.groupByPackage(all)
		for _, name := range names {
			owner := all[t.libraries[name].owner]
			owner.LinkedBy = append(owner.LinkedBy, p.Name)
		}
	}
	return t.describe(all)
}

// importedLibraries returns the libraries that a program or library needs directly.
func (d *debianSystem) importedLibraries(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	at, ok := triplets[f.Machine]
	if !ok {
		return nil, fmt.Errorf("%s must be for amd64 or arm64, is for %s", path, f.Machine)
	}
	d.libDir, d.arch = at.dir, at.arch
	return f.ImportedLibraries()
}

// resolveLibraries finds libraries and all that they need.
func (d *debianSystem) resolveLibraries(names []string) error {
	if d.packaged == nil {
		d.packaged = map[string]library{}
		if err := d.indexLibraries(); err != nil {
			return err
		}
	}
	for len(names) > 0 {
		var next []string
		for _, name := range names {
			l, ok := d.packaged[name]
			if !ok {
				return fmt.Errorf("no Debian package contains %s", name)
			}
			var err error
			if l.imports, err = d.importedLibraries(filepath.Join(d.root, l.path)); err != nil {
				return err
			}
			d.libraries[name] = l
			for _, n := range l.imports {
				if _, known := d.libraries[n]; !known {
					next = append(next, n)
				}
			}
		}
		slices.Sort(next)
		names = slices.Compact(next)
	}
	return nil
}

func (d *debianSystem) dpkgQuery(args ...string) *exec.Cmd {
	return exec.Command("dpkg-query", append([]string{"--admindir=" + filepath.Join(d.root, "var/lib/dpkg")}, args...)...)
}

// indexLibraries asks dpkg once which packages the libraries are in, because each query is slow. Some libraries have variants in other
// folders, and libraries for another machine type may be installed, too.
func (d *debianSystem) indexLibraries() error {
	out, err := d.dpkgQuery("-S", "*.so*").Output()
	if err != nil {
		return fmt.Errorf("dpkg-query: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		owner, path, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.Contains(owner, " ") { // a diversion
			continue
		}
		owner, arch, _ := strings.Cut(owner, ":")
		if arch != "" && arch != d.arch {
			continue
		}
		name := filepath.Base(path)
		if have, ok := d.packaged[name]; !ok || d.rank(path) < d.rank(have.path) {
			d.packaged[name] = library{path: path, owner: owner}
		}
	}
	return nil
}

// rank returns a lower number for a path from which the loader more likely takes the library.
func (d *debianSystem) rank(path string) int {
	if strings.Contains(path, "/"+d.libDir+"/") {
		return strings.Count(path, "/")
	}
	return 100 + strings.Count(path, "/")
}

// groupByPackage groups the libraries by their packages.
func (d *debianSystem) groupByPackage(all map[string]*DebianPackage) {
	for _, l := range d.libraries {
		p := all[l.owner]
		if p == nil {
			p = &DebianPackage{Name: l.owner, Arch: d.arch}
			all[l.owner] = p
		}
		for _, n := range l.imports {
			if owner := d.libraries[n].owner; owner != "" && owner != p.Name {
				p.DependsOn = append(p.DependsOn, owner)
			}
		}
	}
}

// describe returns the packages with their versions and sources.
func (d *debianSystem) describe(all map[string]*DebianPackage) ([]DebianPackage, error) {
	if len(all) == 0 {
		return nil, nil
	}
	args := []string{"-W", "-f", `${Package} ${Version} ${source:Package} ${source:Version}\n`}
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names {
		args = append(args, name+":"+d.arch)
	}
	out, err := d.dpkgQuery(args...).Output()
	if err != nil {
		return nil, fmt.Errorf("dpkg-query: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 4 && all[f[0]] != nil {
			p := all[f[0]]
			p.Version, p.Source, p.SourceVersion = f[1], f[2], f[3]
		}
	}
	release := d.release()
	list := make([]DebianPackage, 0, len(all))
	for _, name := range names {
		p := all[name]
		p.Release = release
		slices.Sort(p.DependsOn)
		slices.Sort(p.LinkedBy)
		p.DependsOn, p.LinkedBy = slices.Compact(p.DependsOn), slices.Compact(p.LinkedBy)
		list = append(list, *p)
	}
	return list, nil
}

// release returns the version number of the Debian.
func (d *debianSystem) release() string {
	text, _ := os.ReadFile(filepath.Join(d.root, "etc/os-release")) // a Debian that is being prepared has none
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_ID="); ok {
			return strings.Trim(number, `"`)
		}
	}
	return "unknown"
}
