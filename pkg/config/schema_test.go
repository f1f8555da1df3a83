package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// compileAsEditor compiles a schema without the formats and keywords of this package.
func compileAsEditor(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	meta, err := c.Compile("https://json-schema.org/draft/2020-12/schema")
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(doc); err != nil {
		t.Fatalf("the schema is not valid: %v", err)
	}
	if err := c.AddResource("camd.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("camd.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaIsValid(t *testing.T) {
	compileAsEditor(t, schemaText)
	if s := compiled(); s == nil {
		t.Error("it does not compile with the formats")
	}
}

// Every format is used, and every default is valid.
func TestFormatsAndDefaultsFit(t *testing.T) {
	used := map[string]bool{}
	var walk func(key string, s *schema)
	walk = func(key string, s *schema) {
		if s == nil {
			return
		}
		used[s.Format] = true
		if s.Format != "" && formats[s.Format] == nil {
			t.Errorf("%s: there is no format %q", key, s.Format)
		}
		if s.Description == "" && !strings.Contains(key, ".preview") && strings.Contains(key, ".") && !strings.HasSuffix(key, "[]") {
			t.Errorf("%s has no description", key)
		}
		if text := strings.Trim(string(s.Default), `"`); text != "" && formats[s.Format] != nil {
			if _, err := formats[s.Format](text); err != nil {
				t.Errorf("%s: the default %s is not valid: %v", key, text, err)
			}
		}
		for _, p := range s.Properties {
			walk(key+"."+p.key, p.schema)
		}
		walk(key+"[]", s.named())
		walk(key+"[]", s.Items)
		walk(key+"[]", s.PropertyNames)
	}
	for _, p := range declaration().Properties {
		walk("top."+p.key, p.schema)
	}
	for name := range formats {
		if !used[name] {
			t.Errorf("no key has the format %q", name)
		}
	}
}

// plain returns a value of YAML as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
		return v
	case map[any]any:
		group := map[string]any{}
		for key, one := range v {
			group[fmt.Sprint(key)] = plain(one)
		}
		return group
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case int, float64, bool, string, nil:
		return v
	}
	return fmt.Sprint(v) // a time, or a number that is too large
}

func TestEditorSchemaAcceptsExample(t *testing.T) {
	s := compileAsEditor(t, EditorSchema())
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"the example":   string(text),
		"variables":     "listen: ${ADDRESS}:80\ncameras: [{id: '${A}', source: '${B}', quality: '${Q}', on_demand: '${D}', stall_timeout: '${T}'}]\nlimits: {frame_bytes: '${F}'}\nlog: {level: '${L}'}\n",
		"short forms":   "hosts: a.example\nallow_origin: '*'\nauth: {anonymous: view}\nsocket_mode: 0660\ntls: {min_version: 1.2}\nsend_buffer: 65536\n",
		"empty":         "cameras:\nlimits:\nlog:\nmqtt:\n",
		"a permission":  "auth: {anonymous: {role: view, cameras: [yard]}, users: {phil: }}\n",
		"some controls": "cameras: [{id: a, source: /dev/video0, controls: {brightness: 1, auto: true, scene: '${S}'}}]\n",
	} {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(plain(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// beyondSchema lists the cases of mistakes.txt that the schema accepts, by the reason.
var beyondSchema = map[string][]string{
	"an entry must differ from another":           {"ids and devices taken twice"},
	"keys must fit the kind of source":            {"keys that do not go with a test pattern", "keys that do not go with a file", "keys that do not go with a network camera", "tracks that the camera cannot have"},
	"YAML, which an editor checks without schema": {"two documents", "syntax: a space before the first key", "merge keys and tags"},
}

// An editor with the schema marks every mistake that a schema can express.
func TestEditorSchemaRejectsMistakes(t *testing.T) {
	s := compileAsEditor(t, EditorSchema())
	text, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	beyond := map[string]string{}
	for reason, names := range beyondSchema {
		for _, name := range names {
			beyond[name] = reason
		}
	}
	for _, c := range strings.Split(string(text), "## ")[1:] {
		name, rest, _ := strings.Cut(c, "\n")
		in, _, _ := strings.Cut(rest, "=>\n")
		var doc any
		if err := yaml.Unmarshal([]byte(in), &doc); err != nil {
			if !strings.HasPrefix(name, "syntax: ") {
				t.Logf("%s: not YAML: %v", name, err)
			}
			continue
		}
		err := s.Validate(plain(doc))
		reason, accepted := beyond[name]
		switch {
		case err == nil && !accepted:
			t.Errorf("%s: the schema accepts it, and the case is not in beyondSchema", name)
		case err != nil && accepted:
			t.Errorf("%s: the schema rejects it; remove it from beyondSchema (%s)", name, reason)
		}
	}
}
