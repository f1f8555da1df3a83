package arch

import (
	"cmp"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourcePackage is a package as the parser reads it. Test files of package x_test belong to a package of their own.
type sourcePackage struct {
	files    []*ast.File
	names    map[string]bool       // declared in the package: "New", "Server" and, of methods and fields, "Server.Serve"
	members  map[string]bool       // names of methods and fields alone: "Serve"
	embedded map[string][]ast.Expr // types whose methods and fields a type has, too
}

// parseModule parses all Go files of the module. The key of a package is its import path, with _test at its end for an external test.
func parseModule(t *testing.T) (*token.FileSet, map[string]*sourcePackage) {
	t.Helper()
	files, all := token.NewFileSet(), map[string]*sourcePackage{}
	for _, name := range trackedFiles(t, "*.go") {
		if strings.Contains(name, "/testdata/") {
			continue
		}
		f, err := parser.ParseFile(files, "../../"+name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		key := modulePrefix + path.Dir(name)
		if strings.HasSuffix(f.Name.Name, "_test") {
			key += "_test"
		}
		p := all[key]
		if p == nil {
			p = &sourcePackage{names: map[string]bool{}, members: map[string]bool{}, embedded: map[string][]ast.Expr{}}
			all[key] = p
		}
		p.files = append(p.files, f)
		for _, d := range f.Decls {
			p.declare(d)
		}
	}
	return files, all
}

// declare notes the names of a declaration.
func (s *sourcePackage) declare(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			s.names[d.Name.Name] = true
		} else {
			s.declareMember(typeName(d.Recv.List[0].Type), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					s.names[name.Name] = true
				}
			case *ast.TypeSpec:
				s.names[spec.Name.Name] = true
				s.declareFields(spec)
			}
		}
	}
}

// declareFields notes the fields of a struct or the methods of an interface. An embedded field has the name of its type.
func (s *sourcePackage) declareFields(spec *ast.TypeSpec) {
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		s.embedded[spec.Name.Name] = []ast.Expr{t}
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			s.declareMember(spec.Name.Name, name.Name)
		}
		if len(field.Names) == 0 {
			s.declareMember(spec.Name.Name, typeName(field.Type))
			s.embedded[spec.Name.Name] = append(s.embedded[spec.Name.Name], field.Type)
		}
	}
}

func (s *sourcePackage) declareMember(of, name string) {
	s.names[of+"."+name] = true
	s.members[name] = true
}

// hasMember reports whether a type has a method or field, of its own or of an embedded type. A type of another package may have any.
func (s *sourcePackage) hasMember(of, name string) bool {
	return s.names[of+"."+name] || slices.ContainsFunc(s.embedded[of], func(t ast.Expr) bool {
		return isForeign(t) || s.hasMember(typeName(t), name)
	})
}

// isForeign reports whether a type is of another package.
func isForeign(t ast.Expr) bool {
	if pointer, ok := t.(*ast.StarExpr); ok {
		t = pointer.X
	}
	_, ok := t.(*ast.SelectorExpr)
	return ok
}

// resolves reports whether a link names a declaration of the package.
func (s *sourcePackage) resolves(link *comment.DocLink) bool {
	if link.Recv == "" {
		return s.names[link.Name]
	}
	return s.hasMember(link.Recv, link.Name)
}

// typeName returns the name of a type without its package, pointer and type parameters; empty if it has none.
func typeName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.SelectorExpr:
		return t.Sel.Name
	case *ast.IndexExpr:
		return typeName(t.X)
	case *ast.IndexListExpr:
		return typeName(t.X)
	}
	return ""
}

// docComment is the doc comment of a declaration. Name is empty for a group of declarations and for a package.
type docComment struct {
	name string
	text *ast.CommentGroup
}

// docComments returns the doc comments of a file: of the package, declarations, fields and methods of interfaces.
func docComments(f *ast.File) []docComment {
	var all []docComment
	add := func(name string, text *ast.CommentGroup) {
		if text != nil {
			all = append(all, docComment{name, text})
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.File:
			add("", n.Doc)
		case *ast.FuncDecl:
			add(n.Name.Name, n.Doc)
		case *ast.GenDecl:
			add(nameOfOnly(n), n.Doc)
		case *ast.TypeSpec:
			add(n.Name.Name, n.Doc)
		case *ast.ValueSpec:
			if len(n.Names) == 1 {
				add(n.Names[0].Name, n.Doc)
			}
		case *ast.Field:
			if len(n.Names) == 1 {
				add(n.Names[0].Name, n.Doc)
			}
		}
		return true
	})
	return all
}

// nameOfOnly returns the name that a declaration without parentheses declares; empty for any other.
func nameOfOnly(d *ast.GenDecl) string {
	if d.Lparen.IsValid() || len(d.Specs) != 1 {
		return ""
	}
	switch spec := d.Specs[0].(type) {
	case *ast.TypeSpec:
		return spec.Name.Name
	case *ast.ValueSpec:
		if len(spec.Names) == 1 {
			return spec.Names[0].Name
		}
	}
	return ""
}

var (
	firstWords    = regexp.MustCompile(`^(\w+) (\w+)`)
	lowerCaseName = regexp.MustCompile(`^[a-z]\w*$`)
	mixedCaseName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*[a-z0-9][A-Z][A-Za-z0-9]*$`)
	verb          = regexp.MustCompile(`^([a-z]+s|are)$`)
)

// isTest matches functions whose comment may describe what is tested, and then begins with any word.
var isTest = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]`)

// notIdentifiers are first words that look like names of declarations: names of programs and of products.
var notIdentifiers = []string{"camd"}

// A comment begins with a name if its first word begins with a lower-case letter, has a capital letter inside, or is declared in the
// package and followed by a verb.
func TestDocCommentsBeginWithTheName(t *testing.T) {
	files, all := parseModule(t)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		p := all[key]
		for _, f := range p.files {
			for _, c := range docComments(f) {
				words := firstWords.FindStringSubmatch(c.text.Text())
				if words == nil || c.name == "" || words[1] == c.name || slices.Contains(notIdentifiers, words[1]) {
					continue
				}
				first := words[1]
				isName := lowerCaseName.MatchString(first) || mixedCaseName.MatchString(first) ||
					(p.names[first] || p.members[first]) && verb.MatchString(words[2])
				if isTest.MatchString(c.name) {
					isName = isTest.MatchString(first)
				}
				if isName {
					t.Errorf("%s: the comment of %s begins with %s", files.Position(c.text.Pos()), c.name, first)
				}
			}
		}
	}
}

// A link names a declaration of its own package or, as [wire.Reader] does, of another package of the module. Fields count, too. Links to
// other modules are not checked.
func TestDocLinksResolve(t *testing.T) {
	files, all := parseModule(t)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		for _, f := range all[key].files {
			parse := comment.Parser{
				LookupPackage: func(name string) (string, bool) { return findImport(f, name) },
				LookupSym:     func(string, string) bool { return true },
			}
			for _, c := range docComments(f) {
				for _, link := range docLinks(parse.Parse(c.text.Text()).Content) {
					if target := all[cmp.Or(link.ImportPath, key)]; target != nil && !target.resolves(link) {
						name := strings.TrimPrefix(link.Recv+"."+link.Name, ".")
						t.Errorf("%s: the link to %s leads nowhere", files.Position(c.text.Pos()), name)
					}
				}
			}
		}
	}
}

// findImport returns the path of the package that a file imports under a name.
func findImport(f *ast.File, name string) (importPath string, ok bool) {
	for _, spec := range f.Imports {
		importPath := strings.Trim(spec.Path.Value, `"`)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(importPath) == name {
			return importPath, true
		}
	}
	return "", false
}

// docLinks returns the links in the paragraphs and lists of a comment. Code has none.
func docLinks(blocks []comment.Block) []*comment.DocLink {
	var all []*comment.DocLink
	for _, block := range blocks {
		switch block := block.(type) {
		case *comment.Paragraph:
			for _, text := range block.Text {
				if link, ok := text.(*comment.DocLink); ok {
					all = append(all, link)
				}
			}
		case *comment.List:
			for _, item := range block.Items {
				all = append(all, docLinks(item.Content)...)
			}
		}
	}
	return all
}
