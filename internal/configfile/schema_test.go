package configfile

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"camd/pkg/config"
)

var editorSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.EditorSchema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("camd.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("camd.schema.json")
})

// checkEditorSchema checks that an editor with the schema marks a configuration with a mistake, unless that is beyond a schema.
func checkEditorSchema(t *testing.T, text, message string) {
	t.Helper()
	s, err := editorSchema()
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	accepted := s.Validate(doc) == nil
	isBeyond := false
	for _, b := range beyondSchema {
		isBeyond = isBeyond || strings.Contains(message, b)
	}
	if accepted != isBeyond {
		t.Errorf("the schema accepts the file: %v, but its mistake is beyond a schema: %v\n%s\n%s", accepted, isBeyond, text, message)
	}
}
