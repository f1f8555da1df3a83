package parts

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Product is what a bill of materials is about.
type Product struct {
	Name, Version string
	Programs      []Program
	Debian        []Package
}

// Bill writes the product's software bill of materials as CycloneDX 1.6 in JSON. It has no time and no number, so that the same
// product gives the same bytes.
func Bill(w io.Writer, p Product) error {
	modules, err := Together(p.Programs)
	if err != nil {
		return err
	}
	b := &bill{product: p, needs: map[string][]string{}}
	for _, program := range p.Programs {
		b.program(program)
	}
	for _, m := range modules {
		if err := b.module(m); err != nil {
			return err
		}
	}
	for _, c := range InPages {
		b.add(cdx.Component{Type: cdx.ComponentTypeLibrary, Name: c.Name, Version: c.Version, Licenses: licensed(c.Licence), PackageURL: c.Package})
	}
	for _, d := range p.Debian {
		b.debian(d)
	}
	return b.write(w)
}

// bill is a bill of materials as it grows.
type bill struct {
	product    Product
	components []cdx.Component
	needs      map[string][]string // references by what needs them
}

// add takes in a component, which is known by its address.
func (b *bill) add(c cdx.Component) {
	c.BOMRef = c.PackageURL
	b.components = append(b.components, c)
	b.needs[c.BOMRef] = append(b.needs[c.BOMRef], []string{}...)
}

func (b *bill) reference() string { return goAddress(b.product.Name, b.product.Version) }

// program takes in a program with what it contains and links.
func (b *bill) program(p Program) {
	ref := b.reference() + "#cmd/" + p.Name
	b.components = append(b.components, cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeApplication, Name: p.Name, Version: b.product.Version})
	b.needs[b.reference()] = append(b.needs[b.reference()], ref)
	standard := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: "std", Version: p.Go, Description: "Go's standard library", Licenses: licensed("BSD-3-Clause"),
		PackageURL: goAddress("std", strings.TrimPrefix(p.Go, "go")),
	}
	if !slices.ContainsFunc(b.components, func(c cdx.Component) bool { return c.BOMRef == standard.PackageURL }) {
		b.add(standard)
	}
	needs := []string{standard.PackageURL}
	for _, m := range p.Modules {
		needs = append(needs, goAddress(m.Path, m.Version))
	}
	if p.Name == b.product.Name { // the pages are in it
		for _, c := range InPages {
			needs = append(needs, c.Package)
		}
	}
	for _, d := range b.product.Debian {
		if slices.Contains(d.For, p.Name) {
			needs = append(needs, d.address())
		}
	}
	b.needs[ref] = needs
}

func (b *bill) module(m Module) error {
	licence, err := m.Licence()
	if err != nil {
		return err
	}
	c := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, Licenses: licensed(licence), PackageURL: goAddress(m.Path, m.Version),
	}
	// go.sum's h1 is the SHA-256 of a list of the module's files with theirs.
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	b.add(c)
	return nil
}

func (b *bill) debian(d Package) {
	b.add(cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: d.Name, Version: d.Version, PackageURL: d.address(),
		Description: fmt.Sprintf("Debian's, not contained: the version that was there when camd was built, from source %s %s", d.Source, d.SourceVersion),
	})
	for _, name := range d.Needs {
		at := slices.IndexFunc(b.product.Debian, func(o Package) bool { return o.Name == name })
		b.needs[d.address()] = append(b.needs[d.address()], b.product.Debian[at].address())
	}
}

func (b *bill) write(w io.Writer) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: b.reference(), Type: cdx.ComponentTypeApplication, Name: b.product.Name, Version: b.product.Version, Description: "surveillance camera server",
	}}
	bom.Components = &b.components
	dependencies := []cdx.Dependency{}
	for _, ref := range append([]string{b.reference()}, references(b.components)...) {
		d := cdx.Dependency{Ref: ref}
		if needs := b.needs[ref]; len(needs) > 0 {
			slices.Sort(needs)
			needs = slices.Compact(needs)
			d.Dependencies = &needs
		}
		dependencies = append(dependencies, d)
	}
	bom.Dependencies = &dependencies
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
}

func references(all []cdx.Component) []string {
	refs := make([]string, len(all))
	for i, c := range all {
		refs[i] = c.BOMRef
	}
	return refs
}

// licensed is an SPDX expression, or the name of one licence.
func licensed(expression string) *cdx.Licenses {
	if strings.Contains(expression, " ") {
		return &cdx.Licenses{{Expression: expression}}
	}
	return &cdx.Licenses{{License: &cdx.License{ID: expression}}}
}

// goAddress is a Go module's package URL.
func goAddress(path, version string) string {
	return "pkg:golang/" + path + "@" + url.PathEscape(version)
}

func (p Package) address() string {
	return fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", url.PathEscape(p.Name), url.PathEscape(p.Version), p.Arch)
}
