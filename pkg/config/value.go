package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a node of the file with its schema. It is a group of keys, a list, or a scalar.
type value struct {
	name      string     // the key that messages name
	key, node *yaml.Node // key is nil for entries of lists
	schema    *schema    // nil for an unknown key
	isEntry   bool       // of a list, or of a mapping whose keys are the user's own names

	fields map[string]*value // of a group
	order  []*value          // the fields as the file has them
	items  []*value          // of a list

	data any  // of a scalar: what the schema validates; once read, what the format makes of it
	bad  bool // a mistake in it has been reported
}

// get returns the value of a key; nil if the file does not have the key, or it is a section without any keys.
func (v *value) get(key string) *value {
	if v == nil || v.fields[key] == nil || v.fields[key].isAbsent() {
		return nil
	}
	return v.fields[key]
}

// isAbsent reports whether it is a section, or a list of sections, whose keys are all commented out. A list of texts without entries is a
// mistake: "cameras:" in a permission must not stand for all cameras.
func (v *value) isAbsent() bool {
	return v.schema != nil && isNull(v.node) && !v.isEntry && v.schema.isSection()
}

// keyNode returns the place of the key, or of the value in a list.
func (v *value) keyNode() *yaml.Node {
	if v.key != nil {
		return v.key
	}
	return v.node
}

// hasKnownKey reports whether a group has a key that the schema declares.
func (v *value) hasKnownKey() bool {
	return slices.ContainsFunc(v.order, func(field *value) bool { return field.schema != nil })
}

// text returns the text of a key; empty without one.
func (v *value) text(key string) string {
	if at := v.get(key); at != nil && !at.bad {
		switch s := at.data.(type) {
		case string:
			return s
		case Secret:
			return string(s)
		}
	}
	return ""
}

// isTrue reports whether a key is true. Without a valid one it returns the default of the schema.
func (v *value) isTrue(key string) bool {
	if at := v.get(key); at != nil && !at.bad {
		return at.data == true
	}
	return string(v.schema.Properties.get(key).Default) == "true"
}

// json returns the value as the schema validates it. What cannot be validated is null; its mistake has been reported.
func (v *value) json() any {
	switch {
	case v.bad || v.schema == nil:
		return nil
	case v.fields != nil:
		group := make(map[string]any, len(v.fields))
		for key, field := range v.fields {
			if !field.isAbsent() {
				group[key] = field.json()
			}
		}
		return group
	case v.items != nil:
		list := make([]any, len(v.items))
		for i, item := range v.items {
			list[i] = item.json()
		}
		return list
	case v.node.Kind == yaml.MappingNode:
		return map[string]any{}
	case v.node.Kind == yaml.SequenceNode:
		return []any{}
	}
	return v.data
}

// find returns the value at a location of the validator.
func (v *value) find(location []string) *value {
	for _, step := range location {
		if v.fields != nil {
			v = v.fields[step]
		} else if i, err := strconv.Atoi(step); err == nil && i < len(v.items) {
			v = v.items[i]
		}
	}
	return v
}

// each calls do with the value and all values below it, in the order of the file. path is empty for the whole file.
func (v *value) each(path string, do func(path string, v *value)) {
	do(path, v)
	for _, field := range v.order {
		field.each(joinPath(path, field.key.Value), do)
	}
	for i, item := range v.items {
		item.each(joinPath(path, strconv.Itoa(i)), do)
	}
}

func joinPath(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}
