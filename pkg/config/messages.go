package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"camd/pkg/camera"
)

// report reports that a value is not what its schema or its format says. It is bad from then on.
func (d *decoder) report(v *value, clause string) {
	v.bad = true
	if d.isFull() {
		d.errorf(v.node, "")
		return
	}
	n, s := v.node, v.schema
	if clause == "" {
		clause = s.clause()
		if text, ok := v.data.(string); ok && n.Kind == yaml.ScalarNode && formats[s.Format] != nil {
			if _, err := formats[s.Format](text); err != nil && !errors.Is(err, errNotValid) {
				clause = err.Error()
			}
		}
	}
	switch {
	case isNull(n) && v.isEntry && v.key == nil:
		d.errorf(n, "%s: this entry is empty; it %s", v.name, clause)
	case isNull(n):
		advice := ". If you do not need it, remove the key"
		if strings.Contains(clause, "remove the key") {
			advice = ""
		}
		d.errorf(n, "%s: has no value; it %s%s", v.name, clause, advice)
	case n.Kind == yaml.ScalarNode && s.WriteOnly && n.Value == "":
		d.errorf(n, "%s%s, is empty", keyPrefix(v.name), clause)
	case n.Kind == yaml.ScalarNode && (s.WriteOnly || s.has("string") && mayBeSecret(n)):
		d.errorf(n, "%s%s", keyPrefix(v.name), clause)
	case n.Kind == yaml.ScalarNode:
		hint := ""
		if s.has("string") {
			hint = suggestion(s.Format, n.Value)
		}
		d.errorf(n, "%s%s", keyPrefix(v.name), withValue(clause, hint, describeValue(n, s)))
	default:
		d.errorf(n, "%s%s", keyPrefix(v.name), withValue(clause, "", describeKind(n)))
	}
}

// withValue adds the value to what it must be, and keeps advice at the end: must be a list, is a text; remove the key to send all.
func withValue(clause, hint, shown string) string {
	if !strings.HasPrefix(clause, "must ") {
		return clause
	}
	must, advice, _ := strings.Cut(clause, "; ")
	if advice != "" {
		advice = "; " + advice
	}
	return must + hint + ", is " + shown + advice
}

// describeValue shows a scalar where a scalar belongs, and otherwise only says what it is.
func describeValue(n *yaml.Node, s *schema) string {
	if s.isScalar() || s.has("string") {
		return quoteValue(n)
	}
	return describeKind(n)
}

// suggestion returns a valid name that resembles one that is not; empty if there is none.
func suggestion(format, name string) string {
	if strings.Contains(name, "${") {
		return "" // its content is not repeated
	}
	switch name := camera.ControlName(name); {
	case format == "control-name" && name != "" && len(name) <= 31:
		return fmt.Sprintf(", such as %q", name)
	case format == "camera-id" && IsCameraID(strings.ReplaceAll(name, "_", "-")):
		return fmt.Sprintf(", such as %q", strings.ReplaceAll(name, "_", "-"))
	}
	return ""
}

// clause says what a value must be.
func (s *schema) clause() string {
	if s.ErrorMessage != "" {
		return s.ErrorMessage
	}
	return "must be " + s.expected()
}

func (s *schema) expected() string {
	switch {
	case s.Enum != nil:
		last := len(s.Enum) - 1
		return strings.Join(s.Enum[:last], ", ") + " or " + s.Enum[last]
	case s.Format == "time-span":
		return fmt.Sprintf("a duration from %s to %s, such as %s", s.Least, s.Most, s.example())
	case s.Format == "time-span-or-off":
		return fmt.Sprintf("off, or a duration from %s to %s, such as %s", s.Least, s.Most, s.example())
	case s.Format == "byte-size":
		return fmt.Sprintf("a number of bytes from %s to %s, such as %s", s.Least, s.Most, s.example())
	case s.has("integer"):
		return fmt.Sprintf("a whole number from %s to %s", s.Minimum, s.Maximum)
	case s.has("number"):
		return fmt.Sprintf("a number from %s to %s", s.Minimum, s.Maximum)
	case s.has("boolean"):
		return "true or false"
	case s.has("object"):
		return fmt.Sprintf("a group of keys, such as %q", s.Properties[0].key+":")
	case s.has("array"):
		return fmt.Sprintf(`a list whose entries begin with "- %s:"`, s.Items.Properties[0].key)
	}
	return "a text"
}

// example returns a valid value for a message: the first of the examples, or the default.
func (s *schema) example() string {
	text := s.Default
	if len(s.Examples) > 0 {
		text = s.Examples[0]
	}
	return strings.Trim(string(text), `"`)
}

// describeKind returns what kind of node n is, in plain words.
func describeKind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a group of keys"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!str":
		return "a text"
	}
	return "a single value"
}

// mayBeSecret reports whether a value may contain a password.
func mayBeSecret(n *yaml.Node) bool {
	return strings.ContainsAny(n.Value, "@?") || strings.Contains(n.Value, "://") || strings.Contains(n.Value, "whsec_")
}

// quoteValue quotes a value as it stands in the file, unless it may contain a password.
func quoteValue(n *yaml.Node) string {
	if mayBeSecret(n) {
		return describeKind(n)
	}
	if n.Tag == "!!int" || n.Tag == "!!float" {
		return truncate(n.Value)
	}
	return strconv.Quote(truncate(n.Value))
}

// Quote quotes a text of a file for a message, unless it may contain a password.
func Quote(s string) string {
	return quoteValue(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s})
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func keyPrefix(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// truncate shortens text of the file for a message.
func truncate(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
