package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaText declares every key of the file: its type, bounds, default and description.
//
//go:embed schema.json
var schemaText []byte

// schema is a node of the JSON Schema, with the keywords that camd uses. x-minimum and x-maximum bound values of a format.
type schema struct {
	Schema      string            `json:"$schema,omitempty"`
	ID          string            `json:"$id,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Default     json.RawMessage   `json:"default,omitempty"`
	Examples    []json.RawMessage `json:"examples,omitempty"`
	AnyOf       []*schema         `json:"anyOf,omitempty"`

	Type                 types           `json:"type,omitempty"`
	Enum                 []string        `json:"enum,omitempty"`
	Not                  json.RawMessage `json:"not,omitempty"`
	Pattern              string          `json:"pattern,omitempty"`
	Format               string          `json:"format,omitempty"`
	MinLength            int             `json:"minLength,omitempty"`
	MaxLength            int             `json:"maxLength,omitempty"`
	Minimum              json.Number     `json:"minimum,omitempty"`
	Maximum              json.Number     `json:"maximum,omitempty"`
	Least                string          `json:"x-minimum,omitempty"`
	Most                 string          `json:"x-maximum,omitempty"`
	Properties           properties      `json:"properties,omitempty"`
	PropertyNames        *schema         `json:"propertyNames,omitempty"`
	AdditionalProperties *additional     `json:"additionalProperties,omitempty"`
	MaxProperties        int             `json:"maxProperties,omitempty"`
	Required             []string        `json:"required,omitempty"`
	Items                *schema         `json:"items,omitempty"`
	MinItems             int             `json:"minItems,omitempty"`
	MaxItems             int             `json:"maxItems,omitempty"`

	WriteOnly    bool   `json:"writeOnly,omitempty"`    // no message repeats the value
	ErrorMessage string `json:"errorMessage,omitempty"` // "must be …"; editors show it, too

	raw json.RawMessage
}

func (s *schema) UnmarshalJSON(data []byte) error {
	type plain schema
	s.raw = slices.Clone(data)
	return json.Unmarshal(data, (*plain)(s))
}

// types are the names of the types that a value may have: one name or a list in the file.
type types []string

func (t *types) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*t = make(types, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	var all []string
	err := json.Unmarshal(data, &all)
	*t = all
	return err
}

// MarshalJSON writes one name without a list.
func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

func (s *schema) has(name string) bool { return slices.Contains(s.Type, name) }

// isSection reports whether the value is a group of keys or a list of such groups.
func (s *schema) isSection() bool {
	return !s.has("string") && (s.has("object") || s.Items != nil && s.Items.isSection())
}

// isScalar reports whether the value is neither a group of keys nor a list.
func (s *schema) isScalar() bool { return !s.has("object") && !s.has("array") }

// declaration returns the schema of the file. Each $ref is replaced by what it stands for; keywords beside it have priority.
var declaration = sync.OnceValue(func() *schema {
	var defs struct {
		Defs map[string]*schema `json:"$defs"`
	}
	var root schema
	if err := json.Unmarshal(schemaText, &defs); err != nil {
		panic(err)
	}
	if err := json.Unmarshal(schemaText, &root); err != nil {
		panic(err)
	}
	return root.resolve(defs.Defs)
})

func (s *schema) resolve(defs map[string]*schema) *schema {
	if s == nil {
		return nil
	}
	var ref struct {
		Ref string `json:"$ref"`
	}
	if err := json.Unmarshal(s.raw, &ref); err != nil {
		panic(err)
	}
	out := *s
	if name, ok := strings.CutPrefix(ref.Ref, "#/$defs/"); ok {
		type plain schema
		out = *defs[name].resolve(defs)
		if err := json.Unmarshal(s.raw, (*plain)(&out)); err != nil {
			panic(err)
		}
	}
	out.Properties = slices.Clone(out.Properties)
	for i := range out.Properties {
		out.Properties[i].schema = out.Properties[i].resolve(defs)
	}
	if named := out.named(); named != nil {
		out.AdditionalProperties = &additional{named.resolve(defs)}
	}
	out.Items, out.PropertyNames = out.Items.resolve(defs), out.PropertyNames.resolve(defs)
	return &out
}

// withoutPatterns returns a schema whose values with a format have no pattern. A pattern is for editors; the format is exact.
func withoutPatterns(s *schema) *schema {
	if s == nil {
		return nil
	}
	out := *s
	if s.Format != "" && !slices.Contains(formatsOfTexts, s.Format) {
		out.Pattern = ""
	}
	out.Items = withoutPatterns(s.Items)
	if named := s.named(); named != nil {
		out.AdditionalProperties = &additional{withoutPatterns(named)}
	}
	out.Properties = slices.Clone(s.Properties)
	for i := range out.Properties {
		out.Properties[i].schema = withoutPatterns(s.Properties[i].schema)
	}
	return &out
}

// compiled returns the validator of a file whose variables have been replaced.
var compiled = sync.OnceValue(func() *jsonschema.Schema {
	text, err := json.Marshal(withoutPatterns(declaration()))
	if err != nil {
		panic(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	for name, parse := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			s, ok := v.(string)
			if !ok {
				return nil
			}
			_, err := parse(s)
			return err
		}})
	}
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: "https://camd.invalid/bounds", Compile: compileBounds})
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: "https://camd.invalid/names", Compile: compileNames})
	c.AssertFormat()
	c.AssertVocabs()
	if err := c.AddResource(declaration().ID, doc); err != nil {
		panic(err)
	}
	return c.MustCompile(declaration().ID)
})
