package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// decoder reads YAML nodes and collects mistakes.
type decoder struct {
	file     string
	dir      string // folder of relative paths
	env      func(string) (string, bool)
	lines    []string // of the file
	problems []Problem

	cameraRefs []cameraRef
	files      []namedFile
}

// field is a key that a T may have. read stores the value in to, or reports what is wrong with it.
type field[T any] struct {
	key  string
	read func(d *decoder, key string, n *yaml.Node, to *T)
}

// decode reads the mapping n of that name ("" for the whole file) into to. It returns the nodes of the keys that n has.
func decode[T any](d *decoder, name string, n *yaml.Node, fields []field[T], to *T) map[string]*yaml.Node {
	given := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		// "limits:" with all its keys commented out counts as missing.
		if !isNull(n) {
			d.errorf(n, "%swant keys such as %q, got %s", keyPrefix(name), fields[0].key+":", describeKind(n))
		}
		return given
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Line == 0 {
			value.Line, value.Column = key.Line, key.Column
		}
		at := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == key.Value })
		switch {
		case key.Kind == yaml.AliasNode:
			continue // reported by rejectReferences
		case key.Kind != yaml.ScalarNode:
			d.errorf(key, "%swant a key, got %s", keyPrefix(name), describeKind(key))
		case key.Tag == "!!merge":
			d.errorf(key, `merge keys ("<<") are not supported: write the keys out`)
		case at < 0 && isNull(value) && value.Line == key.Line && value.Column == key.Column+utf8.RuneCountInString(key.Value):
			d.errorf(key, `%s must be followed by ": "`, suggestedKey(key.Value, keyNames(fields)))
		case at < 0:
			d.unknownKey(key, name, keyNames(fields))
		case given[key.Value] != nil:
			d.errorf(key, "key %q is given twice, first on line %d", key.Value, given[key.Value].Line)
		default:
			given[key.Value] = key
			if value.Kind != yaml.AliasNode {
				fields[at].read(d, key.Value, value, to)
			}
		}
	}
	return given
}

// eachNamed reads a mapping whose keys are the user's own names, each of them once. fits reports what is wrong with a name; such an entry
// is not read. want describes the mapping, with an example.
func (d *decoder) eachNamed(key string, n *yaml.Node, want string, fits func(*yaml.Node) bool, read func(name string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if !isNull(n) {
			d.errorf(n, "%s: want %s, got %s", key, want, describeKind(n))
		}
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if value.Line == 0 {
			value.Line, value.Column = name.Line, name.Column
		}
		switch {
		case name.Kind == yaml.AliasNode || value.Kind == yaml.AliasNode: // reported by rejectReferences
		case name.Tag == "!!merge":
			d.errorf(name, `merge keys ("<<") are not supported: write the keys out`)
		case name.Kind != yaml.ScalarNode:
			d.errorf(name, "%s: want a name, got %s", key, describeKind(name))
		case !fits(name):
		case lines[name.Value] > 0:
			d.errorf(name, "key %q is given twice, first on line %d", name.Value, lines[name.Value])
		default:
			lines[name.Value] = name.Line
			read(name.Value, value)
		}
	}
}

// eachEntry reads the entries of a list of mappings. first is the key that their example begins with. needed are the keys that an entry
// must have.
func (d *decoder) eachEntry(key string, n *yaml.Node, first, needed string, read func(entry *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		if !isNull(n) {
			d.errorf(n, `%s: want a list whose entries begin with "- %s:", got %s`, key, first, describeKind(n))
		}
		return
	}
	for _, entry := range n.Content {
		switch {
		case entry.Kind == yaml.AliasNode: // reported by rejectReferences
		case isNull(entry):
			d.errorf(entry, "%s: this entry is empty; it needs %s", key, needed)
		default:
			read(entry)
		}
	}
}

// section returns a reader of a nested mapping.
func section[T, S any](fields []field[S], target func(*T) *S) func(*decoder, string, *yaml.Node, *T) {
	return func(d *decoder, key string, n *yaml.Node, to *T) { decode(d, key, n, fields, target(to)) }
}

// unknownKey reports a key that does not belong where it stands.
func (d *decoder) unknownKey(key *yaml.Node, name string, known []string) {
	if d.isFull() { // the search for similar keys takes time
		d.errorf(key, "unknown key")
		return
	}
	begin, whole := leadingWord(key.Value)
	shown := truncate(begin)
	if !whole {
		shown += "…"
	}
	if near := cmp.Or(nearestKey(begin, known), keyCompletedFrom(begin, known), keyForWord(begin, known)); near != "" {
		d.errorf(key, "unknown key %q, did you mean %q?", shown, near)
		return
	}
	for _, p := range keyGroups() {
		switch near := nearestKey(begin, p.keys); {
		case near == "" || p.name == name:
		case near == begin:
			d.errorf(key, "unknown key %q here; it belongs %s", shown, p.location)
			return
		default:
			d.errorf(key, "unknown key %q; if you mean %q, it belongs %s", shown, near, p.location)
			return
		}
	}
	d.errorf(key, "unknown key %q; known here: %s", shown, strings.Join(known, ", "))
}

// keyCompletedFrom returns the first key that begins with a word: token_file for token.
func keyCompletedFrom(begin string, known []string) string {
	i := slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(k, begin+"_") })
	if i < 0 {
		return ""
	}
	return known[i]
}

// wordsForKeys are words of other programs' configurations, with the keys that mean the same here.
var wordsForKeys = map[string]string{
	"url": "source", "uri": "source", "address": "source", "device": "source", "host": "source", "input": "source", "stream": "source",
	"name": "title", "label": "title", "description": "title", "username": "user", "login": "user", "resolution": "size",
	"framerate": "fps", "frame_rate": "fps", "rate": "fps", "cert": "certificate", "private_key": "key",
}

// keyForWord returns the known key for a word that other programs use.
func keyForWord(begin string, known []string) string {
	if key := wordsForKeys[strings.ReplaceAll(strings.ToLower(begin), "-", "_")]; slices.Contains(known, key) {
		return key
	}
	return ""
}

// leadingWord returns the beginning of an unknown key. The rest may be a password whose ": " was forgotten.
func leadingWord(key string) (begin string, whole bool) {
	if i := strings.IndexFunc(key, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); i >= 0 {
		return key[:i], false
	}
	return key, true
}

// suggestedKey returns the known key that a text begins with, if there is one.
func suggestedKey(text string, known []string) string {
	if begin, _ := leadingWord(text); slices.Contains(known, begin) {
		return "the key " + strconv.Quote(begin)
	}
	return "a key"
}

type keyGroup struct {
	name, location string
	keys           []string
}

// keyGroups lists the sections and their keys, to find keys that are indented wrongly.
func keyGroups() []keyGroup {
	return []keyGroup{
		{"", "at the left edge of the file", keyNames(topLevelFields())},
		{"cameras", `in an entry of "cameras"`, keyNames(cameraFields())},
		{"renditions", `under a name in "renditions"`, keyNames(renditionFields())},
		{"limits", `under "limits"`, keyNames(limitFields())},
		{"log", `under "log"`, keyNames(logFields())},
		{"tls", `under "tls"`, keyNames(tlsFields())},
		{"auth", `under "auth"`, keyNames(authFields())},
		{"users", `under a name in "users"`, keyNames(userFields())},
		{"tokens", `under a name in "tokens"`, keyNames(tokenFields())},
		{"session", `under "session"`, keyNames(sessionFields())},
		{"forward_auth", `under "forward_auth"`, keyNames(forwardAuthFields())},
		{"acme", `under "acme" in "tls"`, keyNames(acmeFields())},
		{"webhooks", `in an entry of "webhooks"`, keyNames(webhookFields())},
		{"mqtt", `under "mqtt"`, keyNames(mqttFields())},
		{"bus", `under "bus"`, keyNames(busFields())},
	}
}

func keyNames[T any](fields []field[T]) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	return names
}

// nearestKey returns the known key that was most likely meant, or "".
func nearestKey(key string, known []string) string {
	if utf8.RuneCountInString(key) > 40 {
		return ""
	}
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	best, distance := "", 3
	for _, k := range known {
		by := countTypos(strings.ReplaceAll(key, "_", ""), strings.ReplaceAll(k, "_", ""))
		// Two wrong letters of four are another word.
		if by < distance && by*3 <= len(k) {
			best, distance = k, by
		}
	}
	return best
}

// countTypos returns how many letters are wrong, missing or added. Two neighbouring letters in the wrong order count as one.
func countTypos(a, b string) int {
	if i := differsAt(a, b); len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return 1
	}
	return levenshtein.ComputeDistance(a, b)
}

// differsAt returns the index of the first byte in which two texts differ, or the length of the shorter one.
func differsAt(a, b string) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}

// describeKind returns what kind of node n is, in plain words.
func describeKind(n *yaml.Node) string {
	switch {
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

// quoteValue quotes a value as it stands in the file, unless it may contain a password.
func quoteValue(n *yaml.Node) string {
	if strings.ContainsAny(n.Value, "@?") || strings.Contains(n.Value, "://") || strings.Contains(n.Value, "whsec_") {
		return describeKind(n)
	}
	if n.Tag == "!!int" || n.Tag == "!!float" {
		return truncate(n.Value)
	}
	return strconv.Quote(truncate(n.Value))
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
