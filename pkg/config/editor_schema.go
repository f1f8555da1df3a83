package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
)

// EditorSchema returns the JSON Schema of the file for editors, which see variables such as ${NAME} in it. Every value may have some.
func EditorSchema() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	root := forEditor(declaration())
	root.Type = types{"object"}
	if err := e.Encode(root); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// variable is the schema of a value that has a variable in it.
var variable = schema{Type: types{"string"}, Pattern: `\$\{[A-Za-z_]`}

// forEditor returns a schema that also accepts variables, one value where a list may stand, and a section without keys.
func forEditor(s *schema) *schema {
	out := *s
	out.Format = "" // editors know other formats; the pattern says as much as they can check
	if out.Items != nil {
		out.Items = forEditor(s.Items)
		if s.Items.has("object") && !s.Items.has("string") {
			out.Items.Type = s.Items.Type // an empty entry is a mistake
		}
	}
	if named := s.named(); named != nil {
		entry := forEditor(named)
		if named.Required != nil {
			entry.Type = named.Type // an entry without keys lacks some
		}
		out.AdditionalProperties = &additional{entry}
	}
	out.Properties = nil
	for _, p := range s.Properties {
		out.Properties = append(out.Properties, property{p.key, forEditor(p.schema)})
	}
	describe := schema{Title: s.Title, Description: s.Description, Default: s.Default, Examples: s.Examples}
	own := out
	own.Title, own.Description, own.Default, own.Examples = "", "", nil, nil
	switch {
	case s.has("array") && s.has("string"):
		own.Type = types{"array"}
		describe.AnyOf = []*schema{&own, out.Items}
		return &describe
	case s.isScalar() || s.has("string"):
		describe.AnyOf = append([]*schema{&own, &variable}, quoted(s)...)
		if slices.Equal(s.Type, types{"string"}) && s.Enum == nil && regexp.MustCompile(s.Pattern).MatchString("1") {
			own.Type = types{"string", "number"} // camd takes a number as a text, too, such as a password
		}
		return &describe
	}
	if s.isSection() {
		out.Type = append(slices.Clone(s.Type), "null")
	}
	return &out
}

// quoted returns schemas of numbers, true and false in quotes, which camd accepts.
func quoted(s *schema) (all []*schema) {
	if s.has("integer") || s.has("number") {
		all = append(all, &schema{Type: types{"string"}, Pattern: `^[0-9]+(\.[0-9]+)?$`})
	}
	if s.has("boolean") {
		all = append(all, &schema{Type: types{"string"}, Enum: []string{"true", "false"}})
	}
	return all
}
