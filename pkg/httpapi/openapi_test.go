package httpapi

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"camd/pkg/camera"
	"camd/pkg/httpapi/wall"
)

func TestOpenAPIIsValid(t *testing.T) {
	c := readContract(t)
	if err := c.doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Error(err)
	}
	for name, schema := range c.doc.Components.Schemas {
		checkClosedSchema(t, name, schema)
	}
	refs := regexp.MustCompile(`"\$ref": "#/components/(\w+/\w+)"`).FindAllStringSubmatch(string(openapi), -1)
	used := map[string]bool{}
	for _, ref := range refs {
		used[ref[1]] = true
	}
	parts := c.doc.Components
	for kind, names := range map[string][]string{
		"schemas": keys(parts.Schemas), "responses": keys(parts.Responses), "parameters": keys(parts.Parameters), "headers": keys(parts.Headers),
	} {
		for _, name := range names {
			if !used[kind+"/"+name] {
				t.Errorf("%s/%s is used nowhere", kind, name)
			}
		}
	}
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }

// checkClosedSchema checks that an object limits its additional properties: to none, or to values of a schema.
func checkClosedSchema(t *testing.T, place string, schema *openapi3.SchemaRef) {
	t.Helper()
	if schema == nil || schema.Ref != "" {
		return
	}
	more := schema.Value.AdditionalProperties
	if schema.Value.Type.Is("object") && more.Schema == nil && (more.Has == nil || *more.Has) {
		t.Errorf("%s allows any additional properties", place)
	}
	for name, property := range schema.Value.Properties {
		checkClosedSchema(t, place+"."+name, property)
	}
	checkClosedSchema(t, place+"[]", schema.Value.Items)
	checkClosedSchema(t, place+".*", more.Schema)
}

func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	s, c := startServer(t, Options{}), readContract(t)
	var described, there []string
	roles := map[string]string{}
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			described = append(described, method+" "+path)
			roles[method+" "+path], _ = op.Extensions["x-camd-role"].(string)
			if open := len(*op.Security) == 0; open != (op.Extensions["x-camd-role"] == "") || !open && op.Responses.Status(401) == nil {
				t.Errorf("%s %s: security is not as its role", method, path)
			}
		}
	}
	err := chi.Walk(s.routes().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if route != "/" {
			route = strings.TrimSuffix(route, "/") // chi serves the route with and without the slash
		}
		there = append(there, method+" "+route)
		return nil
	})
	for _, rt := range s.routeTable() {
		if got, ok := roles[rt.method+" "+rt.pattern]; !ok || got != string(rt.role) {
			t.Errorf("%s %s is described for %q, and is for %q", rt.method, rt.pattern, got, rt.role)
		}
	}
	slices.Sort(described)
	slices.Sort(there)
	there = slices.Compact(there) // the page of a camera has a second route with / at its end
	if err != nil || !slices.Equal(described, there) {
		t.Errorf("described are\n%s\nthere are\n%s", strings.Join(described, "\n"), strings.Join(there, "\n"))
	}
}

// The names of the parameters are found where the source reads them.
func TestOpenAPIDescribesTheParameters(t *testing.T) {
	names := []string{"action"} // compat.ParseAction reads it
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, below...) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "FormValue" {
					names = append(names, strings.Trim(call.Args[0].(*ast.BasicLit).Value, `"`))
				}
			}
			return true
		})
	}
	slices.Sort(names)
	if names = slices.Compact(names); !slices.Equal(names, readContract(t).parameters()) {
		t.Errorf("described are %v, read are %v", readContract(t).parameters(), names)
	}
}

func TestOpenAPIListsAllEnumValues(t *testing.T) {
	schemas := readContract(t).doc.Components.Schemas
	for _, c := range []struct {
		enum  []any
		words any
	}{
		{schemas["State"].Value.Enum, camera.States},
		{schemas["Reason"].Value.Enum, camera.Reasons},
		{schemas["Control"].Value.Properties["kind"].Value.Enum, []string{camera.Integer, camera.Boolean, camera.Menu, camera.IntegerMenu, camera.Button}},
		{schemas["Viewer"].Value.Properties["transport"].Value.Enum, []string{"http1", "http2", wall.Transport}},
	} {
		got, _ := json.Marshal(c.enum)
		want, _ := json.Marshal(c.words)
		if string(got) != string(want) {
			t.Errorf("described are %s, there are %s", got, want)
		}
	}
}
