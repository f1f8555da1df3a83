package sbom

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

// Product is the subject of a bill of materials.
type Product struct {
	Name, Version string
	Programs      []Program
	Debian        []DebianPackage
}

// WriteBOM writes the product's software bill of materials as CycloneDX 1.6 in JSON. It has no time and no serial number, so the same
// product gives the same bytes.
func WriteBOM(w io.Writer, p Product) error {
	modules, err := AllModules(p.Programs)
	if err != nil {
		return err
	}
	b := &bomBuilder{product: p, dependsOn: map[string][]string{}}
	for _, program := range p.Programs {
		b.addProgram(program)
	}
	for _, m := range modules {
		if err := b.addModule(m); err != nil {
			return err
		}
	}
	for _, c := range WebAssets {
		b.addComponent(cdx.Component{Type: cdx.ComponentTypeLibrary, Name: c.Name, Version: c.Version, Licenses: licencesOf(c.Licence), PackageURL: c.PURL})
	}
	for _, d := range p.Debian {
		b.addDebian(d)
	}
	return b.write(w)
}

// bomBuilder is an unfinished bill of materials.
type bomBuilder struct {
	product    Product
	components []cdx.Component
	dependsOn  map[string][]string // by component: references to the components that it needs
}

// addComponent adds a component, whose package URL identifies it.
func (b *bomBuilder) addComponent(c cdx.Component) {
	c.BOMRef = c.PackageURL
	b.components = append(b.components, c)
	b.dependsOn[c.BOMRef] = append(b.dependsOn[c.BOMRef], []string{}...)
}

func (b *bomBuilder) productRef() string { return goPURL(b.product.Name, b.product.Version) }

// addProgram adds a program, and the modules and libraries in it.
func (b *bomBuilder) addProgram(p Program) {
	ref := b.productRef() + "#cmd/" + p.Name
	b.components = append(b.components, cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeApplication, Name: p.Name, Version: b.product.Version})
	b.dependsOn[b.productRef()] = append(b.dependsOn[b.productRef()], ref)
	standard := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: "std", Version: p.Go, Description: "Go's standard library", Licenses: licencesOf("BSD-3-Clause"),
		PackageURL: goPURL("std", strings.TrimPrefix(p.Go, "go")),
	}
	if !slices.ContainsFunc(b.components, func(c cdx.Component) bool { return c.BOMRef == standard.PackageURL }) {
		b.addComponent(standard)
	}
	dependsOn := []string{standard.PackageURL}
	for _, m := range p.Modules {
		dependsOn = append(dependsOn, goPURL(m.Path, m.Version))
	}
	if p.Name == b.product.Name { // this program contains the pages
		for _, c := range WebAssets {
			dependsOn = append(dependsOn, c.PURL)
		}
	}
	for _, d := range b.product.Debian {
		if slices.Contains(d.LinkedBy, p.Name) {
			dependsOn = append(dependsOn, d.purl())
		}
	}
	b.dependsOn[ref] = dependsOn
}

func (b *bomBuilder) addModule(m Module) error {
	licence, err := m.Licence()
	if err != nil {
		return err
	}
	c := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, Licenses: licencesOf(licence), PackageURL: goPURL(m.Path, m.Version),
	}
	// The h1 hash in go.sum is the SHA-256 of a list of the module's files and their SHA-256.
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	b.addComponent(c)
	return nil
}

func (b *bomBuilder) addDebian(d DebianPackage) {
	b.addComponent(cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: d.Name, Version: d.Version, PackageURL: d.purl(),
		Description: fmt.Sprintf("Debian package that camd links and does not contain, in the version at build time. Source: %s %s", d.Source, d.SourceVersion),
	})
	for _, name := range d.DependsOn {
		at := slices.IndexFunc(b.product.Debian, func(o DebianPackage) bool { return o.Name == name })
		b.dependsOn[d.purl()] = append(b.dependsOn[d.purl()], b.product.Debian[at].purl())
	}
}

func (b *bomBuilder) write(w io.Writer) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: b.productRef(), Type: cdx.ComponentTypeApplication, Name: b.product.Name, Version: b.product.Version, Description: "surveillance camera server",
	}}
	bom.Components = &b.components
	dependencies := []cdx.Dependency{}
	for _, ref := range append([]string{b.productRef()}, references(b.components)...) {
		d := cdx.Dependency{Ref: ref}
		if needs := b.dependsOn[ref]; len(needs) > 0 {
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

// licencesOf returns a licence choice with an SPDX expression, or with the name of one licence.
func licencesOf(expression string) *cdx.Licenses {
	if strings.Contains(expression, " ") {
		return &cdx.Licenses{{Expression: expression}}
	}
	return &cdx.Licenses{{License: &cdx.License{ID: expression}}}
}

// goPURL returns the package URL of a Go module.
func goPURL(path, version string) string {
	return "pkg:golang/" + path + "@" + url.PathEscape(version)
}

func (d DebianPackage) purl() string {
	return fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", url.PathEscape(d.Name), url.PathEscape(d.Version), d.Arch)
}
