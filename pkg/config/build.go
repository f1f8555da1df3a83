package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds the work of the validator. A thousand cameras with all keys have a third of that.
const maxValues = 100_000

// build makes the value of a node. It reports what no schema can see: keys that are given twice, unset variables.
func (d *decoder) build(v value) *value {
	n, s := v.node, v.schema
	if s == nil {
		return &v
	}
	d.values++
	switch {
	case d.values > maxValues:
		v.bad = true
		if d.values == maxValues+1 {
			d.errorf(n, "the file has more than %d values; use fewer cameras or entries. camd checks none of the rest", maxValues)
		}
	case n.Kind == yaml.AliasNode: // reported by rejectReferences
		v.bad = true
	case n.Kind == yaml.MappingNode, isNull(n) && s.has("object") && (v.isEntry && v.key != nil || v.name == ""): // no keys, too
		d.buildGroup(&v)
	case n.Kind == yaml.SequenceNode:
		v.items = make([]*value, len(n.Content))
		for i, item := range n.Content {
			v.items[i] = d.build(value{name: v.name, node: item, schema: s.Items, isEntry: true})
		}
	case isNull(n):
	case s.has("array") && s.has("string"): // one value where a list may stand
		v.items = []*value{d.build(value{name: v.name, node: n, schema: s.Items, isEntry: true})}
	case s.isScalar() || s.has("string"):
		d.buildScalar(&v)
	default:
		v.data = n.Value
	}
	return &v
}

func (d *decoder) buildGroup(v *value) {
	n := v.node
	v.fields = make(map[string]*value, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		if node.Line == 0 {
			node.Line, node.Column = key.Line, key.Column
		}
		switch {
		case key.Kind == yaml.AliasNode: // reported by rejectReferences
		case key.Kind != yaml.ScalarNode:
			d.errorf(key, "%severy key must be a text, is %s", keyPrefix(v.name), describeKind(key))
		case key.Tag == "!!merge":
			d.errorf(key, `merge keys ("<<") are not supported: write the keys themselves`)
		case v.fields[key.Value] != nil:
			d.givenTwice(v, key, node)
		default:
			child := value{name: key.Value, key: key, node: node, schema: v.schema.Properties.get(key.Value)}
			if named := v.schema.named(); named != nil {
				child.name, child.isEntry = v.name, true
				if named.isScalar() {
					child.name = key.Value
				}
				if child.schema == nil {
					child.schema = named
				}
			}
			v.fields[key.Value] = d.build(child)
			v.order = append(v.order, v.fields[key.Value])
		}
	}
}

// givenTwice reports a key that the group has already. It does not repeat a key that may be a password.
func (d *decoder) givenTwice(group *value, key, node *yaml.Node) {
	shown := "the key " + strconv.Quote(truncate(key.Value))
	first := group.fields[key.Value]
	switch names := group.schema.PropertyNames; {
	case first.schema == nil:
		d.unknownKey(group, &value{key: key, node: node})
		return
	case names != nil && names.WriteOnly:
		shown = "this name"
	}
	d.errorf(key, "%s is given twice, first on line %d; remove one", shown, first.key.Line)
}

// buildScalar replaces the variables of a scalar, and makes it a value of the schema's type if it can be one.
func (d *decoder) buildScalar(v *value) {
	n, s := v.node, v.schema
	if n.Kind != yaml.ScalarNode {
		return
	}
	// A value without quotes that continues on the next line probably contains a key whose colon is missing, and perhaps a password.
	if n.Style == 0 && n.Line > 0 && n.Line <= len(d.lines) && !strings.Contains(textFrom(d.lines[n.Line-1], n.Column), n.Value) {
		d.errorf(n, `%s: the value continues on the next line; add the missing ": " there, or put the value in quotes`, v.name)
		v.bad = true
		return
	}
	text, err := expandEnv(n.Value, d.env)
	if err == nil && !utf8.ValidString(text) { // the file itself is: it comes from the environment
		err = errors.New("the environment variable in it is not UTF-8 text")
	}
	if err != nil {
		d.errorf(n, "%s: %v", v.name, err)
		v.bad = true
		return
	}
	if s.Type[0] == "integer" && len(s.Type) > 1 { // as the file has it, or as if the text had stood there
		tag := n.Tag
		if text != n.Value {
			tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: text}).ShortTag()
		}
		v.data = scalarOf(tag, text)
		return
	}
	v.data = scalarFor(s, text)
}

// scalarFor returns a text as a value of the schema's type; the text itself if it cannot be one.
func scalarFor(s *schema, text string) any {
	switch {
	case s.has("string"):
	case s.has("boolean") && (text == "true" || text == "false"):
		return text == "true"
	case s.has("integer"):
		if i, err := strconv.Atoi(text); err == nil {
			return i
		}
	case s.has("number"):
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return text
}

// scalarOf returns the value of a text with a tag of YAML; nil if it is neither a whole number, true, false nor a text.
func scalarOf(tag, text string) any {
	switch tag {
	case "!!int":
		if i, err := strconv.ParseInt(text, 0, 64); err == nil {
			return i
		}
	case "!!bool":
		return strings.EqualFold(text, "true")
	case "!!str":
		return text
	}
	return nil
}

// textFrom returns a line without bytes that are certainly before a column, because a list of many values may be one line. A column
// counts characters from 1, and each has at least one byte.
func textFrom(line string, column int) string { return line[min(max(column-1, 0), len(line)):] }
